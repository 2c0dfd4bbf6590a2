"""Losses go to the log without waiting for the device in each step."""

from typing import Any

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.runner import Runner
from torch import Tensor

from infomin_plugin.registry import HOOKS


@HOOKS.register_module()
class DeferredLogHook(RuntimeInfoHook):
    """MMEngine's ``RuntimeInfoHook``, but what a step gives for the log stays on the device.

    MMEngine turns each loss into a Python number in each step, and so waits for the device as many
    times. Here they are moved together, in one copy, before anybody reads them: every ``interval``
    iterations, at the end of an epoch and of the run, and for a checkpoint. The log is the same.

    Args:
        interval (int, optional): Defaults to None: that of the run's ``LoggerHook``, or every
            iteration where there is none.

    Raises:
        ValueError: If ``interval`` is below 1.
    """

    def __init__(self, interval: int | None = None) -> None:
        if interval is not None and interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self.waiting: list[tuple[str, Any]] = []

    def before_train(self, runner: Runner) -> None:
        """Take the interval from the logger's."""
        super().before_train(runner)
        if self.interval is None:
            self.interval = min(
                (hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), default=1)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Keep the values of a step; hand them on where they may be read."""
        self.waiting += [(f'train/{key}', value.detach() if isinstance(value, Tensor) else value)
                         for key, value in (outputs or {}).items()]
        if (self.every_n_inner_iters(batch_idx, self.interval)
                or self.every_n_train_iters(runner, self.interval)
                or self.end_of_epoch(runner.train_dataloader, batch_idx)
                or self.is_last_train_iter(runner)):
            self.flush(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Complete the history of the log that the checkpoint holds."""
        if self.waiting:
            self.flush(runner)
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def flush(self, runner: Runner) -> None:
        """Hand all values that wait to the message hub, in order."""
        waiting, self.waiting = self.waiting, []
        tensors = [value for _, value in waiting if isinstance(value, Tensor)]
        numbers = iter(torch.cat([value.reshape(1).double() for value in tensors]).tolist()
                       if tensors else ())
        for key, value in waiting:
            runner.message_hub.update_scalar(
                key, next(numbers) if isinstance(value, Tensor) else value)
