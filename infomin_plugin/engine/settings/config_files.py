"""Config files, and what a command line changes in them."""

import ast
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from threading import Lock
from traceback import walk_tb
from typing import Any

from mmengine.config import Config

from .known_keys import KNOWN_KEYS

# MMEngine imports the file for a moment, under settings of the whole interpreter: two threads that
# read at once can fail each other
_READING = Lock()


def read_config(path: str | os.PathLike) -> Config:
    """``Config.fromfile``, in one thread at a time.

    Args:
        path (str | PathLike): Config file; it is executed.

    Returns:
        Config: As MMEngine reads it.

    Raises:
        OSError: If there is no such file.
        ValueError: If it, or one that it is based on, is no config; names file and line.
    """
    with _READING:
        try:
            return Config.fromfile(path)
        except OSError:
            raise
        except SyntaxError as error:
            raise ValueError(f'{_with_bad_syntax(path)}, line {error.lineno}: {error.msg}: '
                             f'{(error.text or "").strip()}') from error
        except Exception as error:
            raise ValueError(f'{_place(error, path)}: {type(error).__name__}: {error}') from error


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Override settings of a config, as ``Config.merge_from_dict`` does.

    What is below a top-level key of the config may be new, such as
    ``optim_wrapper.clip_grad.max_norm``. A new top-level key has to be known: of MMEngine's runner
    or of this package's settings, see :data:`KNOWN_KEYS`.

    Args:
        cfg (Config): Changed in place.
        options (Mapping[str, Any]): Values by dotted key.

    Raises:
        ValueError: If a key is unknown, a number or text is to take the place of a whole group of
            settings, or an index is beyond its list; names the key.
    """
    file = Path(cfg.filename).name if cfg.filename else 'the config'
    known = sorted({*cfg.keys(), *KNOWN_KEYS})
    for key, value in options.items():
        name = key.split('.', 1)[0]
        if name not in known:
            close = get_close_matches(name, known, 1)
            raise ValueError(f'{key}: {file} has no setting {name!r}'
                             + (f'; did you mean {close[0]!r}?' if close else ''))
        if key == name and isinstance(cfg.get(name), dict) and isinstance(
                value, int | float | str) and not isinstance(value, bool):
            raise ValueError(f'{key}={value}: {name!r} of {file} is a group of settings: '
                             f'{name}.KEY=VALUE with KEY of {", ".join(cfg[name])}')
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError) as error:
        words = ' '.join(f'{key}={value}' for key, value in options.items())
        raise ValueError(f'{file} does not take {words}: {error.args[0]}') from None


def _with_bad_syntax(path: str | os.PathLike) -> str:
    try:
        ast.parse(Path(path).read_text(encoding='utf-8'))
    except SyntaxError:
        return str(path)
    return f'a file that {path} is based on'


def _place(error: Exception, path: str | os.PathLike) -> str:
    """File and line of a config that an error was raised in."""
    lines = [f'{frame.f_code.co_filename}, line {line}' for frame, line
             in walk_tb(error.__traceback__)
             if frame.f_code.co_name == '<module>' and '_base_' in frame.f_globals]
    return lines[-1] if lines else str(path)
