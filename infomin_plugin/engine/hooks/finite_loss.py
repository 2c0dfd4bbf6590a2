"""A training does not go on from a loss that is no number."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.device import get_device
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from infomin_plugin.registry import HOOKS

from ..faults.fault_messages import TrainingFault, last_checkpoint
from ..faults.sample_names import batch_names

_SHOWN = 5


class _Step(NamedTuple):
    """What is known of an iteration until it is judged."""

    iteration: int
    epoch: int
    finite: Tensor
    losses: dict[str, Any]
    images: list[str]


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop where a loss or a gradient is infinite or no number, or leave the step out.

    On CPUs, and on GPUs with ``action='skip'``, gradients are looked at before each step of an
    optimiser: one that is not finite never reaches the weights. Gradients are averaged over the
    processes by then, so all decide alike. On GPUs with ``action='stop'``, where a look would make
    the host wait for the device, it is the losses that are noted in each step, and looked at every
    ``interval`` steps and before a checkpoint. In both cases no checkpoint has such weights.

    The images of the step are written to ``nonfinite_batch.json`` in the work dir, with the losses
    (``nonfinite_batch_rank1.json`` of the second process, …).

    Args:
        action (str): 'stop', or 'skip' to go on without the step. Where the batch has spoilt what
            no optimiser undoes, such as running statistics or a queue of keys, 'skip' stops, too.
        max_skips (int): With 'skip', the training stops after so many iterations in a row. Defaults
            to 10.
        interval (int): Steps between two looks on GPUs, with 'stop'. Defaults to 50.

    Raises:
        ValueError: If an argument is out of its range.
        TrainingFault: When it stops; names the iteration, the losses, the images and the last
            checkpoint.
    """

    # After what is done with a step as a part of it, before what measures, logs and saves.
    priority = 'HIGH'

    def __init__(self, action: str = 'stop', max_skips: int = 10, interval: int = 50) -> None:
        if action not in ('stop', 'skip'):
            raise ValueError(f"action must be 'stop' or 'skip', got {action!r}")
        if min(max_skips, interval) < 1:
            raise ValueError('max_skips and interval must be at least 1, got '
                             f'{max_skips} and {interval}')
        self.action = action
        self.max_skips = max_skips
        self.interval = interval
        self.skipped = 0
        self._in_a_row = 0
        self._left_out = False
        self._steps: list[_Step] = []
        self._handles: list[RemovableHandle] = []

    def before_train(self, runner: Runner) -> None:
        """Watch the optimisers."""
        model = _unwrapped(runner.model)
        # constants, such as the infinities of a mask, are no fault
        self._never_finite = set(_not_finite(model.state_dict()))
        self._each_step = self.action == 'skip' or get_device() == 'cpu'
        if self._each_step:
            wrapper = runner.optim_wrapper
            players = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else (wrapper, )
            self._handles = [player.optimizer.register_step_pre_hook(self._before_step)
                             for player in players]

    def after_train(self, runner: Runner) -> None:
        """Let go of the optimisers."""
        for handle in self._handles:
            handle.remove()

    def _before_step(self, optimizer: Optimizer, args: tuple, kwargs: dict) -> None:
        """Take gradients that are not finite away: the step then changes nothing."""
        parameters = [parameter for group in optimizer.param_groups
                      for parameter in group['params'] if parameter.grad is not None]
        if parameters and not bool(_all_finite(parameter.grad for parameter in parameters)):
            self._left_out = True
            for parameter in parameters:
                parameter.grad = None

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                         outputs: dict | None = None) -> None:
        """Note a step; judge it now, or in time."""
        losses = {key: value for key, value in (outputs or {}).items() if 'loss' in key}
        finite = _all_finite(torch.as_tensor(value).detach() for value in losses.values())
        if self._left_out:
            finite = torch.zeros_like(finite)
        self._steps.append(_Step(
            runner.iter + 1, runner.epoch + 1, finite, losses,
            batch_names(data_batch, runner.train_dataloader.dataset)))
        if (self._each_step or len(self._steps) >= self.interval
                or self.is_last_train_iter(runner)):
            self._judge(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save nothing that is spoilt."""
        self._judge(runner)
        if spoilt := self._spoilt(checkpoint['state_dict']):
            raise TrainingFault(f'The checkpoint after iteration {runner.iter + 1} is not written. '
                                f'{spoilt}. {last_checkpoint(runner.work_dir)}')

    def _judge(self, runner: Runner) -> None:
        steps, self._steps = self._steps, []
        left_out, self._left_out = self._left_out, False
        if not steps:
            return
        judgements = torch.stack([step.finite for step in steps]).tolist()
        for step, finite in zip(steps, judgements, strict=True):
            if finite:
                self._in_a_row = 0
            else:
                self._act(runner, step, left_out)

    def _act(self, runner: Runner, step: _Step, left_out: bool) -> None:
        problem = self._report(runner, step)
        reason = 'Set run_hooks.finite_loss.action=skip to go on without such steps'
        if self.action == 'skip':
            self.skipped += left_out
            self._in_a_row += 1
            reason = self._spoilt(_unwrapped(runner.model).state_dict())
            if not reason and self._in_a_row >= self.max_skips:
                reason = f'Stopped, since {self._in_a_row} iterations in a row were not finite'
            if not reason:
                runner.logger.warning(f'{problem}. Its step is left out, the '
                                      f'{self.skipped}. of this run' if left_out else problem)
                return
        raise TrainingFault(
            f'{problem}. {last_checkpoint(runner.work_dir)} {reason}. Where it '
            'happens again, a lower learning rate, clip_grad or a training without --amp helps')

    @staticmethod
    def _report(runner: Runner, step: _Step) -> str:
        """Write the images to a file, and say what happened."""
        losses = {key: float(value) for key, value in step.losses.items()}
        name = f'nonfinite_batch_rank{get_rank()}.json' if get_rank() else 'nonfinite_batch.json'
        path = Path(runner.work_dir) / name
        try:
            path.write_text(json.dumps(dict(
                iteration=step.iteration, epoch=step.epoch, images=step.images,
                losses={key: repr(value) for key, value in losses.items()}), indent=1))
            where = f'all are in {path}'
        except OSError as error:
            where = f'{path} could not be written: {error}'
        what = 'the loss is not finite'
        if all(map(math.isfinite, losses.values())):
            what = 'a gradient is not finite'
            if get_world_size() > 1:
                what += ', maybe due to the batch of another process, see their files'
        more = f' and {len(step.images) - _SHOWN} more' if len(step.images) > _SHOWN else ''
        return (f'iteration {step.iteration} (epoch {step.epoch}): {what}: '
                + ', '.join(f'{key} {value:.4g}' for key, value in losses.items())
                + f'; images: {", ".join(step.images[:_SHOWN]) or "unknown"}{more} ({where})')

    def _spoilt(self, state: dict[str, Tensor]) -> str:
        """Say which tensors have become infinite or no number; an empty string if none has."""
        names = [name for name in _not_finite(state) if name not in self._never_finite]
        return (f'Not finite in the model are {names[0]} and {len(names) - 1} other tensors'
                if names else '')


def _all_finite(tensors: Iterable[Tensor]) -> Tensor:
    """Tell whether all numbers of all tensors are finite, as a bool tensor, without a wait.

    A sum is finite only if all of its terms are, and makes no tensor of their size.
    """
    sums = [tensor.sum(dtype=torch.float32) for tensor in tensors]
    return torch.stack(sums).isfinite().all() if sums else torch.tensor(True)


def _not_finite(state: dict[str, Tensor]) -> list[str]:
    return [name for name, tensor in state.items()
            if tensor.is_floating_point() and not bool(_all_finite([tensor]))]


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
