"""Names the setting that a constructor refuses."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from traceback import walk_tb
from typing import Any

from mmengine.config import Config

from ..faults.setup_error import SetupError

_UNEXPECTED = re.compile(r"got an unexpected keyword argument '(\w+)'")
_UNREGISTERED = re.compile(r'(\S+) is not in the (\S+) registry')


@contextmanager
def named_settings(cfg: Config) -> Iterator[None]:
    """Name the setting by which something that a config lists cannot be built.

    Args:
        cfg (Config): It.

    Raises:
        SetupError: In the place of a TypeError, KeyError or AssertionError, which is its cause,
            where a setting is unknown, a type is not registered, or the constructor of something
            that the config lists fails. Any other error goes on as it is.
    """
    try:
        yield
    except (TypeError, KeyError, AssertionError) as error:
        problem = _unknown_name(cfg, error) or _failed_constructor(cfg, error)
        if problem is None:
            raise
        raise SetupError(problem) from error


def _unknown_name(cfg: Config, error: Exception) -> str | None:
    text = str(error.args[0]) if error.args else ''
    if found := _UNEXPECTED.search(text):
        name = found[1]
        for path, part in _dicts(cfg):
            if name in part:
                close = get_close_matches(name, [key for key in part if key != name], 1)
                return (f'{path}.{name}: {text}'
                        + (f'; did you mean {close[0]!r}?' if close else ''))
    if found := _UNREGISTERED.match(text):
        for path, part in _dicts(cfg):
            if part.get('type') == found[1]:
                return f'{path}.type: {found[0]}'
    return None


def _failed_constructor(cfg: Config, error: Exception) -> str | None:
    """Name the innermost object that the config lists whose constructor was at work."""
    paths = {str(part['type']).rsplit('.', 1)[-1]: path for path, part in _dicts(cfg)
             if 'type' in part}
    text = error.args[0] if error.args else type(error).__name__
    for frame, _ in reversed(list(walk_tb(error.__traceback__))):
        if frame.f_code.co_name == '__init__' and 'self' in frame.f_locals:
            name = type(frame.f_locals['self']).__name__
            if name in paths:
                return f'{paths[name]}: {name} does not take its settings: {text}'
    return None


def _dicts(part: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Every dict below a part of a config with its dotted key."""
    if isinstance(part, dict | Config):
        if path:
            yield path, part
        items = part.items()
    else:
        items = enumerate(part) if isinstance(part, list | tuple) else ()
    for key, value in items:
        yield from _dicts(value, f'{path}.{key}' if path else str(key))
