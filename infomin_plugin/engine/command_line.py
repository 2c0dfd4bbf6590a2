"""What the command lines of ``tools/`` share."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config, DictAction


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


def load_config(args: argparse.Namespace) -> Config:
    """Read the config that a command line names and apply what it overrides.

    Args:
        args (argparse.Namespace): With ``config``, ``cfg_options``, ``work_dir`` and ``launcher``.

    Returns:
        Config: With ``work_dir`` (``work_dirs/<name of the config>`` if nothing else says) and
        ``launcher`` set.
    """
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(parse_options(args.cfg_options))
    cfg.launcher = args.launcher
    if args.work_dir:
        cfg.work_dir = args.work_dir
    elif not cfg.get('work_dir'):
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    return cfg


@contextmanager
def without_traceback() -> Iterator[None]:
    """End the program with the message alone of an error in what it was given.

    For the part of a program that reads what the command line names: a file that is missing or
    unlike what it should be, a setting that does not fit.

    Raises:
        SystemExit: In the place of an OSError or ValueError.
    """
    try:
        yield
    except (OSError, ValueError) as error:
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
