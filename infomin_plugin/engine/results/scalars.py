"""What MMEngine logs of a run, ``vis_data/scalars.json``."""

import json
from pathlib import Path
from typing import Any


def read_scalars(log: Path) -> list[dict[str, Any]]:
    """Read the lines of a log that are whole; a run that was killed may leave one that is not.

    Args:
        log (Path): A JSON value a line.

    Returns:
        list[dict]: Values by name, a line each.

    Raises:
        OSError: If it cannot be read.
    """
    lines = []
    for line in log.read_text(encoding='utf-8', errors='replace').splitlines():
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict):
            lines.append(values)
    return lines
