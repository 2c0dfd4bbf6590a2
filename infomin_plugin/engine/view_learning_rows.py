"""Rows of the table of learned views: learn them, contrast them frozen, read the features out."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from .command_line import parse_options
from .stages import Stages

LEARNING, CONTRAST, READ_OUT = 'learning', 'contrast', 'read_out'
I_NCE = 'i_nce'
_FLOWS = {'additive': 'vp', 'affine': 'nvp'}


@dataclass(frozen=True)
class Row:
    """Views of one kind.

    Attributes:
        name: Of the config file.
        regime: 'raw', 'unsupervised', 'semi-supervised' or 'supervised'.
        space: Colour space of what the views are made from.
        flow: 'vp' (volume-preserving), 'nvp', or '–' where nothing is learned.
        published: The figure to stand beside this row's, as text.
        learning: Config file that learns the views; None for raw ones.
        contrast: Config file that learns features of the frozen views.
        options: Words ``KEY=VALUE`` for each of these two.
    """

    name: str
    regime: str
    space: str
    flow: str
    published: str
    learning: Path | None
    contrast: Path
    options: dict[str, tuple[str, ...]]

    def config(self, stage: str) -> Config:
        """Return the config of a stage with the options that go to it."""
        cfg = Config.fromfile(self.contrast if stage == CONTRAST else self.learning)
        cfg.merge_from_dict(parse_options(list(self.options[stage])))
        return cfg

    def checkpoint(self, folder: Path, stage: str) -> Path:
        """Name the last checkpoint of a stage in a seed's folder."""
        return folder / stage / f'iter_{self.config(stage).train_cfg.max_iters}.pth'

    def run(self, stages: Stages, seed: int) -> dict[str, float]:
        """Run what is not done yet for one seed and return what was measured.

        Args:
            stages (Stages): With the folder of the table; a seed's results are in
                ``NAME/seedS/{learning,contrast}`` below it.
            seed (int): Of every initialisation and order.

        Returns:
            dict[str, float]: ``accuracy_NAME`` in percent by test set; ``i_nce_contrast`` and, for
            learned views, ``i_nce_learning`` in nats, at the end of each; ``seconds_STAGE``.

        Raises:
            StageError: If a stage fails.
        """
        folder = (stages.folder / self.name / f'seed{seed}').resolve()
        seconds, options = {}, list(self.options[CONTRAST])
        if self.learning:
            seconds[LEARNING] = self._train(stages, seed, LEARNING, self.options[LEARNING])
            options.append('model.generator.init_cfg.checkpoint='
                           f'{self.checkpoint(folder, LEARNING)}')
        seconds[CONTRAST] = self._train(stages, seed, CONTRAST, options)
        out = folder / f'{READ_OUT}_scores.json'
        seconds[READ_OUT] = stages.run(
            f'{self.name}/seed{seed}/{READ_OUT}',
            ['tools/analysis/read_out.py', self.contrast, self.checkpoint(folder, CONTRAST),
             '--out', out, *_with_options(self.options[CONTRAST])],
            settings=str(self.config(CONTRAST).get('read_out')))
        found = {f'accuracy_{name}': score for name, score in json.loads(out.read_text()).items()}
        for stage in seconds.keys() - {READ_OUT}:
            found[f'{I_NCE}_{stage}'] = last_logged(folder / stage, I_NCE)
        return found | {f'seconds_{stage}': time for stage, time in seconds.items()}

    def _train(self, stages: Stages, seed: int, stage: str, options: Sequence[str]) -> float:
        name = f'{self.name}/seed{seed}/{stage}'
        config = self.learning if stage == LEARNING else self.contrast
        return stages.run(
            name, ['tools/train.py', config, '--work-dir', (stages.folder / name).resolve(),
                   '--resume', *_with_options([f'randomness.seed={seed}', *options])],
            settings=self.config(stage).pretty_text)


def read_row(config: str | Path, options: Sequence[str] = ()) -> Row:
    """Read a row off a config of ``configs/view_learning/``.

    A config that learns views names in ``contrast`` the config that goes on with them, relative to
    itself; one without it makes features of raw views. ``regime`` and ``published``, a text by
    regime and colour space, are read as well.

    Args:
        config (str | Path): The file.
        options (Sequence[str]): Words ``KEY=VALUE``; those that begin with ``learning.`` or
            ``contrast.`` go to that stage, without the beginning, the others to both.

    Returns:
        Row: The row.

    Raises:
        ValueError: If the config is none of these.
    """
    path = Path(config).resolve()
    cfg = Config.fromfile(path)
    if 'regime' not in cfg or 'generator' not in cfg.get('model', {}):
        raise ValueError(f'{config} is no config of learned or raw views: it has no regime, or '
                         'no model.generator')
    generator = cfg.model.generator
    space = generator.get('in_space') or generator.get('space')
    following = cfg.get('contrast')
    if not following and generator.get('init_cfg'):
        raise ValueError(f'{config} goes on with views that another config learns: give that one')
    stages = {}
    for stage, other in ((LEARNING, CONTRAST), (CONTRAST, LEARNING)):
        mine = [word.removeprefix(f'{stage}.') for word in options
                if not word.startswith(f'{other}.')]
        stages[stage] = tuple(mine)
    return Row(
        name=path.stem, regime=cfg.regime, space=space,
        flow=_FLOWS.get(generator.get('coupling'), '–'),
        published=cfg.get('published', {}).get(cfg.regime, {}).get(space, '–'),
        learning=path if following else None,
        contrast=path.parent / following if following else path, options=stages)


def last_logged(work_dir: Path, name: str) -> float:
    """Return the last value of a scalar that a run logged, over all its resumed parts.

    Raises:
        ValueError: If it logged none.
    """
    for log in sorted(work_dir.glob('*/vis_data/scalars.json'), reverse=True):  # named by time
        for line in reversed(log.read_text().splitlines()):
            if name in (values := json.loads(line)):
                return float(values[name])
    raise ValueError(f'the logs of {work_dir} have no {name}')


def summarise(results: Sequence[dict[str, float]]) -> dict[str, tuple[float, float | None]]:
    """Mean and standard deviation over seeds of all that was measured.

    Returns:
        dict: By name (mean, deviation with n - 1, or None for a single seed).
    """
    found = {}
    for name in dict.fromkeys(key for result in results for key in result):
        values = [result[name] for result in results if name in result]
        spread = statistics.stdev(values) if len(values) > 1 else None
        found[name] = statistics.fmean(values), spread
    return found


def _with_options(options: Sequence[str]) -> list[str]:
    return ['--cfg-options', *options] if options else []
