"""Whether the embeddings still tell images apart, and how old the stored keys are."""

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from infomin_plugin.models.memories import KeyBank, KeyQueue
from infomin_plugin.registry import HOOKS

_MOST_KEYS = 1024


@HOOKS.register_module()
class CollapseWatchHook(Hook):
    """Log how spread out the embeddings are, and warn when they are becoming one.

    Every ``interval`` iterations, without a draw of random numbers, of models that have a memory or
    encoders of two views:

    - ``embedding_std``: the standard deviation of unit vectors along a dimension, the mean of all C
      dimensions, times √C: 1 for vectors all over the sphere, 0 for a single one (Chen & He 2021,
      "Exploring Simple Siamese Representation Learning", section 4.1). Of a queue it is that of the
      newest keys, of a bank that of keys of all its images, once each had its turn. Of several
      memories the least is logged.
    - ``queue_drift``, of a queue: the distance between the means of the newest keys and of the
      oldest, divided by what it would be by chance: 1 if the key encoder stands still. Where it is
      far larger, keys can be told by their age alone: the queue is too long or the key encoder too
      fast (He et al. 2020, section 3.2).

    Before the first step the age of the oldest key is logged.

    Args:
        interval (int): Iterations between two looks. Defaults to 100.
        threshold (float): Standard deviation below which the embeddings are collapsed. Defaults to
            0.2.
        patience (int): Looks in a row below the threshold that are a warning. Defaults to 3.

    Raises:
        ValueError: If ``interval`` or ``patience`` is below 1, or ``threshold`` negative.
    """

    # After the step's own changes of the memory, before the logger.
    priority = 'NORMAL'

    def __init__(self, interval: int = 100, threshold: float = 0.2, patience: int = 3) -> None:
        if min(interval, patience) < 1 or threshold < 0:
            raise ValueError('interval and patience must be at least 1 and threshold not negative, '
                             f'got {interval}, {patience} and {threshold}')
        self.interval = interval
        self.threshold = threshold
        self.patience = patience
        self._low = 0
        self._seen: list[Tensor] = []
        self._handle: RemovableHandle | None = None

    def before_train(self, runner: Runner) -> None:
        """Look what there is to watch, and log how old the oldest key will be."""
        self._model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._memories = [module for module in self._model.modules()
                          if isinstance(module, KeyQueue | KeyBank)]
        loader = runner.train_dataloader
        size = loader.batch_size or loader.batch_sampler.batch_size
        self._batch = size * get_world_size()
        for memory in self._memories[:1]:
            runner.logger.info(f'{type(memory).__name__} of {memory.length} keys: the oldest is '
                               f'{memory.length / self._batch:.0f} steps old')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        """Without a memory, keep the encoders' output of an iteration with a look."""
        encoders = getattr(self._model, 'encoders', None)
        if (isinstance(encoders, nn.Module) and not self._memories
                and self.every_n_train_iters(runner, self.interval)):
            self._handle = encoders.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, args: tuple, output: Tensor | tuple) -> None:
        outputs = (output, ) if isinstance(output, Tensor) else output
        self._seen = [each.detach() for each in outputs if each.ndim == 2]

    @torch.no_grad()
    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None,
                         outputs: dict | None = None) -> None:
        """Look."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        if not self.every_n_train_iters(runner, self.interval):
            return
        seen, self._seen = self._seen, []
        images = (runner.iter + 1) * self._batch
        drifts = []
        for memory in self._memories:
            if isinstance(memory, KeyQueue):
                newest, oldest = _ends(memory, min(self._batch, memory.length, _MOST_KEYS))
                seen.append(newest)
                if images >= memory.length:  # before, the oldest are random
                    drifts.append(_drift(newest, oldest))
            elif images >= memory.length:
                seen.append(memory.keys[::-(-memory.length // _MOST_KEYS)])
        spreads = [embedding_std(each) for each in seen if len(each) > 1]
        if drifts:
            runner.message_hub.update_scalar('train/queue_drift', max(drifts))
        if spreads:
            runner.message_hub.update_scalar('train/embedding_std', min(spreads))
            self._judge(runner, min(spreads))

    def _judge(self, runner: Runner, spread: float) -> None:
        self._low = self._low + 1 if spread < self.threshold else 0
        if self._low and self._low % self.patience == 0:
            runner.logger.warning(
                f'the embeddings have collapsed: their standard deviation is {spread:.3f} (1: all '
                f'over the sphere, 0: all alike) and was below {self.threshold:g} at '
                f'{self._low} looks in a row, {self.interval} iterations apart. Lower the learning '
                'rate, or raise the temperature or the momentum of the key encoder')


def embedding_std(vectors: Tensor) -> float:
    """Mean standard deviation of the dimensions of unit vectors (N×C, N at least 2), times √C."""
    return float(vectors.float().std(dim=0).mean() * vectors.size(1)**0.5)


def _ends(queue: KeyQueue, number: int) -> tuple[Tensor, Tensor]:
    """The newest and the oldest keys of a queue, number×C each."""
    steps = torch.arange(number, device=queue.keys.device)
    return (queue.keys[(queue.position - 1 - steps) % queue.length],
            queue.keys[(queue.position + steps) % queue.length])


def _drift(newest: Tensor, oldest: Tensor) -> float:
    """Distance of the means of two sets of vectors, 1 where it is chance alone."""
    variance = sum(each.float().var(dim=0).sum() / len(each) for each in (newest, oldest))
    distance = (newest.float().mean(dim=0) - oldest.float().mean(dim=0)).norm()
    return float(distance / variance.clamp(min=1e-12).sqrt())
