"""Reads the config that MMEngine dumps beside a run's logs, without executing it.

``Config.fromfile`` imports such a file, so that whoever wrote it runs what he likes here; a folder
of results is passed around, and to read it must be safe. A dumped config has no need to be
executed: it is a list of assignments of plain values.
"""

import ast
import math
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 24  # of a dumped config, which is a few pages of text
NUMBERS = {'inf': math.inf, 'nan': math.nan}  # as str() writes them


class ConfigTextError(ValueError):
    """A dumped config is not a list of plain values; the message names the file and line."""


def read_config(path: Path) -> dict[str, Any]:
    """Read a dumped config file.

    Args:
        path (Path): Written by ``mmengine.Config.dump``.

    Returns:
        dict[str, Any]: See :func:`parse_config`.

    Raises:
        ConfigTextError: See :func:`parse_config`; or if the file is far too large for one.
        OSError: If the file cannot be read.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ConfigTextError(f'{path} is not a config as MMEngine dumps it: it has {size} bytes')
    return parse_config(path.read_text(encoding='utf-8', errors='replace'), path)


def parse_config(text: str, source: Path | str) -> dict[str, Any]:
    """Read the text of a dumped config.

    Args:
        text (str): As ``mmengine.Config.pretty_text`` writes it.
        source (Path | str): Where it is from, for the message of an error.

    Returns:
        dict[str, Any]: Plain dicts, lists, tuples, strings and numbers by name.

    Raises:
        ConfigTextError: If there is anything but ``name = value``, with values made of
            constants, lists, tuples, dicts, ``dict(key=value)`` and ``dict({key: value})``.
    """
    try:
        statements = ast.parse(text).body
        config = {}
        for statement in statements:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    config[name] = _value(value)
                case _:
                    raise ConfigTextError(f'line {statement.lineno} is no plain assignment')
    except ConfigTextError as error:
        raise ConfigTextError(f'{source} is not a config as MMEngine dumps it: {error}. Nothing '
                              'of it was executed') from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigTextError(f'{source} is not a config as MMEngine dumps it: '
                              f'{type(error).__name__}: {error}') from None
    return config


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in NUMBERS:
            return NUMBERS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand)
            if isinstance(value, int | float):
                return -value
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_key(key): _value(value) for key, value in zip(keys, values, strict=True)}
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords) if all(
                word.arg for word in keywords):
            return {word.arg: _value(word.value) for word in keywords}
        # of keys that are no names
        case ast.Call(func=ast.Name(id='dict'), args=[ast.Dict() as values], keywords=[]):
            return _value(values)
    raise ConfigTextError(f'line {node.lineno} has {ast.unparse(node)[:60]!r}, which is no plain '
                          'value')


def _key(node: ast.expr) -> str | int | float | bool | None:
    match node:
        case ast.Constant(value=value):
            return value
    raise ConfigTextError(f'line {node.lineno} has a key that is no constant')
