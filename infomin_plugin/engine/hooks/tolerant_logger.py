"""A log that cannot be written does not end a training."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.hooks import LoggerHook
from mmengine.runner import IterBasedTrainLoop, Runner

from infomin_plugin.registry import HOOKS


@HOOKS.register_module()
class TolerantLoggerHook(LoggerHook):
    """MMEngine's ``LoggerHook``, but what cannot be written, as on a full disk, is left out.

    The first time is a warning. What the training logs afterwards is missing in the files, not on
    the screen. Checkpoints are another matter: one that cannot be written ends the training.

    A validation of a training that counts iterations is logged with its iteration as the step,
    where MMEngine's default, ``log_metric_by_epoch=True``, would always write epoch 0.

    Args:
        **kwargs: See MMEngine's ``LoggerHook``.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self._has_warned = False

    def before_train(self, runner: Runner) -> None:
        """See what the training counts."""
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            self.log_metric_by_epoch = False

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Log a step."""
        with self._tolerating(runner):
            super().after_train_iter(runner, *args, **kwargs)

    def after_val_epoch(self, runner: Runner, *args, **kwargs) -> None:
        """Log what a validation measured."""
        with self._tolerating(runner):
            super().after_val_epoch(runner, *args, **kwargs)

    def after_run(self, runner: Runner) -> None:
        """Close the log."""
        with self._tolerating(runner):
            super().after_run(runner)

    @contextmanager
    def _tolerating(self, runner: Runner) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._has_warned:
                runner.logger.warning(f'The log cannot be written: {error}. The training goes on; '
                                      'what it logs may be missing in the files')
            self._has_warned = True
