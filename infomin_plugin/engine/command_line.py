"""What the command lines of ``tools/`` share."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config, DictAction

from .settings.config_files import merge_options, read_config


def parse_options(options: list[str]) -> dict:
    """Read ``KEY=VALUE`` words as MMEngine's ``DictAction`` does.

    Args:
        options (list[str]): Such as ``['data_root=data', 'train_cfg.max_epochs=3']``.

    Returns:
        dict: Values by dotted key; numbers, booleans and lists are converted.

    Raises:
        SystemExit: If a word has no ``=``.
    """
    parser = argparse.ArgumentParser(usage='--cfg-options KEY=VALUE …')
    parser.add_argument('options', nargs='*', action=DictAction)
    for word in options:
        if '=' not in word:
            parser.error(f'{word!r} has no "=": settings are given as KEY=VALUE')
    return parser.parse_args(options).options or {} if options else {}


def configured(path: str | Path, options: Sequence[str] = ()) -> Config:
    """Read a config file and override settings.

    Args:
        path (str | Path): The file.
        options (Sequence[str]): Words ``KEY=VALUE``, see :func:`parse_options`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is no config, or does not have a setting, see :func:`merge_options`.
    """
    cfg = read_config(path)
    merge_options(cfg, parse_options(list(options)))
    return cfg


def load_config(args: argparse.Namespace) -> Config:
    """Read the config that a command line names and apply what it overrides.

    Args:
        args (argparse.Namespace): With ``config``, ``cfg_options``, ``work_dir`` and ``launcher``.

    Returns:
        Config: With ``work_dir`` (``work_dirs/<name of the config>`` if nothing else says) and
        ``launcher`` set.

    Raises:
        OSError, ValueError: See :func:`configured`.
    """
    cfg = configured(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir:
        cfg.work_dir = args.work_dir
    elif not cfg.get('work_dir'):
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    return cfg


@contextmanager
def without_traceback(
        errors: tuple[type[Exception], ...] = (OSError, ValueError)) -> Iterator[None]:
    """End the program with the message alone of an error in what it was given.

    For the part of a program that reads what the command line names: a file that is missing or
    unlike what it should be, a setting that does not fit.

    Args:
        errors (tuple[type[Exception], ...]): Which. Defaults to OSError and ValueError.

    Raises:
        SystemExit: In the place of such an error.
    """
    try:
        yield
    except errors as error:
        sys.exit(f'error: {error}')


def use_amp(cfg: Config, dtype: str) -> None:
    """Let a config's optimiser wrapper train in mixed precision.

    Args:
        cfg (Config): Changed in place.
        dtype (str): ``'float16'``, whose losses are scaled, or ``'bfloat16'``.
    """
    if dtype == 'bfloat16':
        cfg.optim_wrapper.type = 'infomin_plugin.BFloat16OptimWrapper'
    else:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.loss_scale = 'dynamic'
