"""Training loops that begin anywhere: a resumed run goes on with the very next batch."""

from collections.abc import Sequence

from mmengine.dist import broadcast_object_list
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from infomin_plugin.datasets.placed import PlacedLoader
from infomin_plugin.randomness import Purpose
from infomin_plugin.registry import LOOPS


@LOOPS.register_module()
class ResumableEpochLoop(EpochBasedTrainLoop):
    """MMEngine's loop over epochs, resumed exactly, also in the middle of one.

    A checkpoint says how many epochs and iterations are done. MMEngine begins the epoch anew; here
    it goes on with the batch that is next, and the batches before are not loaded. A validation
    that was due at the end of an epoch, and may not have ended, is run.

    Args:
        runner (Runner): Whose loop it is.
        dataloader (DataLoader | dict): Training data; becomes a :class:`PlacedLoader`.
        **kwargs: See MMEngine's ``EpochBasedTrainLoop``.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader | dict, **kwargs) -> None:
        super().__init__(runner, _placed(runner, dataloader), **kwargs)
        self.first_batch = 0

    def run(self) -> nn.Module:
        """Train until the end, from where the run was resumed."""
        _seed(self.dataloader, self.runner)
        self.runner.call_hook('before_train')
        if self.iter > 0 and self.iter == self.epoch * len(self.dataloader):
            self._validate_if_due()
        while self.epoch < self.max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Run what is left of an epoch."""
        self.first_batch = self.iter - self.epoch * len(self.dataloader)
        self.dataloader.start_at(self.first_batch, number=self.iter)
        super().run_epoch()

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Run one step; ``idx`` counts from where the epoch was begun."""
        super().run_iter(self.first_batch + idx, data_batch)

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if _is_due(self, self.epoch, self.max_epochs):
            self.runner.val_loop.run()


@LOOPS.register_module()
class ResumableIterLoop(IterBasedTrainLoop):
    """MMEngine's loop over iterations, resumed exactly and at once.

    MMEngine loads all earlier batches again and throws them away; here their indices are counted
    off. The sampler's passes follow each other without a pause.

    Args:
        runner (Runner): Whose loop it is.
        dataloader (DataLoader | dict): Training data; becomes a :class:`PlacedLoader`.
        **kwargs: See MMEngine's ``IterBasedTrainLoop``.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader | dict, **kwargs) -> None:
        super().__init__(runner, _placed(runner, dataloader), **kwargs)

    def run(self) -> nn.Module:
        """Train until the end, from where the run was resumed."""
        _seed(self.dataloader, self.runner)
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self.iter > 0:
            self._validate_if_due()
        if self.iter < self.max_iters:
            self.dataloader_iterator = self.dataloader.endless(self.iter)
        while self.iter < self.max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._validate_if_due()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if _is_due(self, self.iter, self.max_iters):
            self.runner.val_loop.run()


_RESUMABLE = {EpochBasedTrainLoop: ResumableEpochLoop, IterBasedTrainLoop: ResumableIterLoop}
_STOCK = {name: loop for loop in _RESUMABLE
          for name in (loop, loop.__name__, f'mmengine.{loop.__name__}')}


def resumable(loop: BaseLoop | dict) -> BaseLoop | dict:
    """Name our loop where a config names MMEngine's; any other is left as it is.

    Args:
        loop (BaseLoop | dict): A ``train_cfg``, with ``type`` or ``by_epoch``.

    Returns:
        BaseLoop | dict: A copy, if it is changed.
    """
    if not isinstance(loop, dict) or ('type' in loop and 'by_epoch' in loop):
        return loop
    kind = loop.get('type', EpochBasedTrainLoop if loop.get('by_epoch') else IterBasedTrainLoop)
    if kind not in _STOCK:
        return loop
    settings = {key: value for key, value in loop.items() if key not in ('type', 'by_epoch')}
    return dict(settings, type=_RESUMABLE[_STOCK[kind]])


def _placed(runner: Runner, dataloader: DataLoader | dict) -> PlacedLoader:
    """Build a training loader whose order all processes agree on; :func:`_seed` fixes it."""
    if isinstance(dataloader, dict):
        dataloader = runner.build_dataloader(dataloader, seed=_common_seed(runner))
    return PlacedLoader(dataloader, Purpose.SAMPLE, _common_seed(runner))


def _seed(loader: PlacedLoader, runner: Runner) -> None:
    """Take the seed of the run, which is another than before if a checkpoint brought its own."""
    seed = _common_seed(runner)
    loader.key = (Purpose.SAMPLE, seed)
    sampler = getattr(loader.batch_sampler, 'sampler', None)
    if hasattr(sampler, 'seed'):  # which samplers look at when they are iterated
        sampler.seed = seed


def _common_seed(runner: Runner) -> int:
    """Seed of the main process; the others' may differ from it."""
    seed = [runner.seed]
    broadcast_object_list(seed)
    return seed[0]


def _is_due(loop: BaseLoop, done: int, total: int) -> bool:
    """Whether the training validates after so many epochs or iterations."""
    return (loop.runner.val_loop is not None and done >= loop.val_begin
            and (done % loop.val_interval == 0 or done == total))
