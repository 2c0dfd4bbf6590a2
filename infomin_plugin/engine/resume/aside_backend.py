"""MMEngine's way to store files, all or nothing."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from infomin_plugin.checkpoints.files import writing_aside

NAME = 'infomin_aside'


class AsideBackend(LocalBackend):
    """Local files that appear under their names only when they are complete and on the disk."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file, see :func:`writing_aside`.

        Args:
            obj (bytes): What to write.
            filepath (str | Path): Its folder is made if it is missing.

        Raises:
            OSError: If it cannot be written. One that existed is then untouched.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with writing_aside(filepath) as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write a file of text, see :meth:`put`."""
        self.put(obj.encode(encoding), filepath)


register_backend(NAME, AsideBackend, force=True)


def backend_args_for(folder: str | os.PathLike) -> dict | None:
    """What MMEngine's ``backend_args`` should be of files in a folder; None for remote ones."""
    return None if '://' in str(folder) else dict(backend=NAME)
