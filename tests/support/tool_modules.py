"""The scripts of tools/ as modules, so that a test need not start a process for one."""

import importlib.util
from pathlib import Path
from types import ModuleType


def load_tool(path: Path) -> ModuleType:
    """Execute the script at ``path`` under a name of its own, not as ``__main__``."""
    spec = importlib.util.spec_from_file_location(f'{path.stem}_tool', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
