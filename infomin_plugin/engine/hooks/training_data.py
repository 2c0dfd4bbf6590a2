"""A training that goes on does so with the data that it began with."""

import hashlib
import os
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from infomin_plugin.registry import HOOKS

from ..faults.sample_names import sample_name, spread
from ..faults.setup_error import SetupError

KEY = 'training_data'
# Names that are digested, so that it takes a second at most; of smaller sets all of them.
_MOST_NAMES = 20000


@HOOKS.register_module()
class TrainingDataHook(Hook):
    """Note in each checkpoint which images it was trained on, and refuse to resume with others.

    Noted are the number of images and a digest of their names, below the folder that all share: a
    set may move. Of more than 20,000 names as many, evenly spread, are digested.
    ``allow_changed_data = True`` in a config lets the training go on all the same, with a warning.

    Raises:
        SetupError: Before the first step, if the set is another one; names both.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._now: dict | None = None
        self._then: dict | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note what a checkpoint to resume from was trained on, if it says so."""
        if runner.cfg.get('resume'):
            self._then = checkpoint.get('meta', {}).get(KEY)

    def before_train(self, runner: Runner) -> None:
        """Compare."""
        self._now = describe_data(runner.train_dataloader.dataset)
        if self._then is None or self._then == self._now:
            return
        problem = (f'the training data have changed: the checkpoint was trained on '
                   f'{_words(self._then)}, data_root has {_words(self._now)}')
        if not runner.cfg.get('allow_changed_data'):
            raise SetupError(f'cannot resume: {problem}. Bring the data back, or set '
                             'allow_changed_data=True to go on with these')
        runner.logger.warning(problem)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the data in a checkpoint."""
        if self._now is not None:
            checkpoint['meta'][KEY] = dict(self._now)


def describe_data(dataset: Any) -> dict:
    """Tell a data set from others.

    Args:
        dataset: One of MMEngine's, or any with a length.

    Returns:
        dict: ``length`` and ``names``, a digest of the file names in order, relative to the folder
        that they share; None where images are no files.
    """
    names = []
    for index in spread(len(dataset), _MOST_NAMES):
        name = sample_name(dataset, index)
        if name is None:  # nor have the others: a set that draws its images draws one, not all
            return dict(length=len(dataset), names=None)
        names.append(name)
    if not names:
        return dict(length=0, names=None)
    start = len(os.path.commonpath([os.path.dirname(name) for name in names]))
    text = '\n'.join(name[start:].lstrip('/') for name in names)
    digest = hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()
    return dict(length=len(dataset), names=digest)


def _words(data: dict) -> str:
    names = data.get('names')
    return f'{data.get("length")} images' + (f' (names: {names[:12]}…)' if names else '')
