"""Configs trained in this process, as tools/train.py does: a process each would import for 5 s."""

import argparse
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS, DefaultScope
from mmengine.runner import Runner

from infomin_plugin.engine.command_line import load_config

_numbers = itertools.count()


def unformatted(cfg: Config) -> Config:
    """A copy whose text is not laid out.

    A run dumps, logs and saves the text six times, and to lay it out takes longer than a step.
    """
    # not an argument of Config.fromfile: MMEngine 0.10.7 forgets it there
    return Config(cfg.to_dict(), filename=cfg.filename, format_python_code=False)


def train_config(config: Path | str, work_dir: Path, options=(),
                 pretrained: Path | str | None = None, resume: bool = False,
                 hooks: Sequence[Hook] = ()) -> Runner:
    """Do what ``tools/train.py CONFIG --work-dir … --pretrained … --cfg-options …`` does.

    ``resume`` is its ``--resume``; ``hooks`` are registered beside those of the config.

    ``options`` are words of the command line, ``KEY=VALUE``. What MMEngine keeps by the name of an
    experiment gets a name of its own, and the default scope is put back: a run sees nothing of an
    earlier one, and leaves nothing.
    """
    cfg = load_config(argparse.Namespace(
        config=str(config), cfg_options=list(options), work_dir=str(work_dir), launcher='none'))
    cfg = unformatted(cfg)
    cfg.experiment_name = f'{Path(config).stem}_{next(_numbers)}'
    if 'visualizer' in cfg:  # mmdet's has a name, and would go on drawing into an earlier work_dir
        cfg.visualizer.name = cfg.experiment_name
    if pretrained is not None:
        cfg.pretrained = str(pretrained)
    cfg.resume = resume or cfg.get('resume', False)
    # MMEngine's own scope: as in a new process, nothing of ours is found before the runner is there
    with DefaultScope.overwrite_default_scope('mmengine'):
        runner = RUNNERS.build(cfg)
        for hook in hooks:
            runner.register_hook(hook)
        runner.train()
    return runner


def logged_lines(work_dir: Path) -> list[dict]:
    """What the last run in a work directory logged, line by line."""
    path = max(Path(work_dir).glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_config(config: Path | str, work_dir: Path, options=(),
               pretrained: Path | str | None = None) -> list[dict]:
    """Train, see :func:`train_config`, and return the lines that were logged."""
    train_config(config, work_dir, options, pretrained)
    return logged_lines(work_dir)
