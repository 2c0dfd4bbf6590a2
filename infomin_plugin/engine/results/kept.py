"""Results in one file, so that runs on several machines make one table."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infomin_plugin.checkpoints.files import writing_aside

from .curves import KNNCurve, read_knn_curves
from .descriptions import Subject
from .initialisations import Initialisation
from .measurements import read_measurements
from .runs import Measurement

KIND, FORMAT = 'infomin_plugin results', 1


@dataclass
class Results:
    """What runs measured.

    Attributes:
        measurements: Scores.
        curves: Of pre-trainings.
        left_out: Runs that cannot stand in a table, each with the reason.
    """
    measurements: list[Measurement] = field(default_factory=list)
    curves: list[KNNCurve] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, path: str | os.PathLike) -> None:
        """Write measurements and curves to a file that :meth:`read` takes.

        Args:
            path (str | PathLike): JSON file; one that exists is replaced as a whole.

        Raises:
            OSError: If it cannot be written.
        """
        settings: list[dict[str, Any]] = []  # each once: most runs of a table share theirs

        def number(value: dict[str, Any]) -> int:
            if value not in settings:
                settings.append(value)
            return settings.index(value)

        measurements = [
            dict(asdict(one), trained=one.where, shared=number(one.shared), own=number(one.own))
            for one in self.measurements]
        content = dict(kind=KIND, format=FORMAT, measurements=measurements,
                       curves=list(map(asdict, self.curves)), settings=settings)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with writing_aside(path) as file:
            file.write(_one_line_an_item(content).encode())

    @classmethod
    def read(cls, places: Sequence[Path]) -> 'Results':
        """Read work directories and kept files.

        Args:
            places (Sequence[Path]): Folders, see :func:`read_measurements`, and ``.json`` files,
                whose runs count as earlier than those of the folders.

        Returns:
            Results: Of all of them.

        Raises:
            FileNotFoundError: If one does not exist.
            ValueError: If a file is none that :meth:`keep` wrote; the message names it.
        """
        results = cls()
        for file in filter(_is_kept, places):
            kept = _read_kept(file)
            results.measurements += kept.measurements
            results.curves += kept.curves
        if folders := [place for place in places if not _is_kept(place)]:
            found, results.left_out = read_measurements(folders)
            results.measurements += found
            results.curves += read_knn_curves(folders)
        return results


def _is_kept(place: Path) -> bool:
    return place.suffix == '.json'


def _read_kept(file: Path) -> Results:
    try:
        content = json.loads(file.read_text())
        if (content['kind'], content['format']) != (KIND, FORMAT):
            raise ValueError(f'{content["kind"]}, format {content["format"]}')
        settings = content['settings']
        return Results(
            [_measurement(one, settings) for one in content['measurements']],
            [KNNCurve(**one) for one in content['curves']])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{file} is no file of results that transfer_table.py --keep wrote '
                         f'(format {FORMAT}): {type(error).__name__}: {error}') from error


def _measurement(kept: dict[str, Any], settings: list[dict[str, Any]]) -> Measurement:
    start = dict(kept['start'], details=tuple(map(tuple, kept['start']['details'])))
    return Measurement(**dict(
        kept, subject=Subject(**kept['subject']), start=Initialisation(**start),
        trained=Path(kept['trained']), shared=settings[kept['shared']],
        own=settings[kept['own']]))


def _one_line_an_item(content: dict[str, Any]) -> str:
    """JSON whose differences can be read: a list has an item a line."""
    parts = []
    for key, value in content.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = '[\n' + ',\n'.join(map(json.dumps, value)) + '\n]'
        parts.append(f'{json.dumps(key)}: {text}')
    return '{' + ',\n'.join(parts) + '}\n'
