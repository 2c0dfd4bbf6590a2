"""Statistics of batch norm, recomputed with fixed weights before each validation."""

import itertools
import time
from collections.abc import Iterable

import torch
from mmengine.dataset import DefaultSampler
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from infomin_plugin.datasets.placed import PlacedLoader
from infomin_plugin.randomness import Purpose, generators_kept, seeded
from infomin_plugin.registry import HOOKS


@HOOKS.register_module()
class PreciseBNHook(Hook):
    """Recompute the statistics of batch norm before each validation, as Detectron2 does.

    While the weights move, the running averages lag behind them, and with two images a GPU they
    are noisy. Before each validation, and before the checkpoint of that moment is written, this
    hook passes ``num_iters`` batches of the training data through the model in training mode,
    without gradients, and sets the running mean and variance of each batch norm to those of all
    these batches together (Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3).
    mmcls has a hook of the same name, but it runs mmdet's detectors in their ``tensor`` mode, on
    proposals drawn as in a test, and averages the variances of the batches, which leaves out how
    their means differ; hence this one, which runs the ``loss`` mode.

    Layers in evaluation mode and other kinds of norm are left alone. The batches come from a
    loader of their own over the training set, and random states are put back, so that a training
    goes on as it would without the hook. A training without validation has its statistics
    recomputed once, at the end.

    Args:
        num_iters (int): Number of batches; all there are, where the training set has fewer.

    Raises:
        ValueError: If ``num_iters`` is not positive.
    """

    # Before CheckpointHook (VERY_LOW) and before all that looks at the model, e.g. an average.
    priority = 'HIGH'

    def __init__(self, num_iters: int = 200) -> None:
        if num_iters < 1:
            raise ValueError(f'num_iters must be positive, but it is {num_iters}')
        self.num_iters = num_iters
        self._training = False
        self._updated_at = None

    def before_train(self, runner: Runner) -> None:
        """Remember that validations belong to a training from now on."""
        self._training = True

    def after_train(self, runner: Runner) -> None:
        """Leave validations after the training alone."""
        self._training = False

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        """Recompute in a training counted in iterations, if a validation comes next."""
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            done = runner.iter + 1
            if _validates_at(runner, done) or done == runner.max_iters:
                self._update(runner, done)

    def after_train_epoch(self, runner: Runner) -> None:
        """Recompute in a training counted in epochs, if a validation comes next."""
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            done = runner.epoch + 1
            if _validates_at(runner, done) or done == runner.max_epochs:
                self._update(runner, runner.iter)

    def before_val(self, runner: Runner) -> None:
        """Recompute if the training loop validates at a moment that was not foreseen."""
        if self._training:
            self._update(runner, runner.iter)

    def _update(self, runner: Runner, iters_done: int) -> None:
        if self._updated_at == iters_done:
            return
        self._updated_at = iters_done
        started = time.perf_counter()
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        batches = itertools.islice(_own_loader(runner, iters_done), self.num_iters)
        with seeded(Purpose.PRECISE_BN, runner.seed, iters_done, devices=True):
            num_layers, num_batches = update_bn_statistics(model, batches)
        runner.logger.info(
            f'precise BN: statistics of {num_layers} layers over {num_batches} batches, '
            f'{time.perf_counter() - started:.1f} s')


def update_bn_statistics(model: BaseModel, batches: Iterable) -> tuple[int, int]:
    """Set the running statistics of batch norm to those of some batches, with fixed weights.

    With m_i and v_i the mean and the (biased) variance of a layer's input in batch i, the running
    mean becomes the mean over i of m_i, and the running variance the mean over i of (v_i + m_i^2)
    less the square of the former: the variance of all batches together, each with the same
    weight, over all processes. A layer that is passed several times a batch counts each pass.
    Everything else about the model, its mode and the random state stay as they are.

    Args:
        model (BaseModel): The model itself, not a wrapper of it.
        batches (Iterable): Batches as a training loader gives them; as many on every process.

    Returns:
        tuple[int, int]: Number of layers updated, and of batches used on this process.
    """
    modes = {module: module.training for module in model.modules()}
    if not model.training:
        model.train()
    layers = [
        module for module in model.modules()
        if isinstance(module, _BatchNorm) and module.training and module.track_running_stats
    ]
    # Rows: number of passes, sum of means, sum of squared means + variances. In double precision
    # since the square of the mean, taken off at the end, may be much larger than the variance.
    sums = {
        layer: torch.zeros(
            3, layer.num_features, dtype=torch.float64, device=layer.running_mean.device)
        for layer in layers
    }

    def add(layer: _BatchNorm, inputs: tuple[Tensor]) -> None:
        x = inputs[0].float().transpose(0, 1).flatten(1)  # channels x values
        if x.shape[1]:  # a batch without regions has no statistics
            variance, mean = torch.var_mean(x, dim=1, unbiased=False)
            mean, variance = mean.double(), variance.double()
            sums[layer] += torch.stack([torch.ones_like(mean), mean, mean.square() + variance])

    handles = [layer.register_forward_pre_hook(add) for layer in layers]
    num_batches = 0
    try:
        for layer in layers:
            layer.track_running_stats = False  # the buffers stay as they are until the end
        with torch.no_grad(), generators_kept(devices=True):
            for batch in batches if layers else ():
                _losses(model, batch)
                num_batches += 1
    finally:
        for handle in handles:
            handle.remove()
        for layer in layers:
            layer.track_running_stats = True
        for module, mode in modes.items():
            module.training = mode

    for layer, total in sums.items():
        all_reduce(total)
        num_passes, mean, square = total[0], *(total[1:] / total[0])
        if num_passes[0] > 0:
            layer.running_mean.copy_(mean)
            layer.running_var.copy_((square - mean.square()).clamp(min=0))
    return len(layers), num_batches


def _losses(model: nn.Module, batch) -> None:
    data = model.data_preprocessor(batch, training=True)
    if isinstance(data, dict):
        model(**data, mode='loss')
    else:
        model(*data, mode='loss')


def _validates_at(runner: Runner, done: int) -> bool:
    """Whether the training loop validates after ``done`` iterations or epochs."""
    loop = runner.train_loop
    return (runner.val_loop is not None and done >= loop.val_begin
            and done % loop.val_interval == 0)


def _own_loader(runner: Runner, iters_done: int) -> PlacedLoader:
    """A loader over the training set that leaves the training's loader and samplers alone.

    Its batches depend on the seed and the number of iterations alone, as a resumed run needs them.

    A second iterator over the training's own loader would reset its workers, and would draw from
    the same stream of images where its sampler is infinite.
    """
    loader = runner.train_dataloader
    sampler = DefaultSampler(loader.dataset, shuffle=True, seed=runner.seed)
    sampler.set_epoch(iters_done)  # other images each time, the same ones when repeated
    # As the training makes its batches, e.g. of images of one orientation.
    group = loader.batch_sampler
    own = DataLoader(
        loader.dataset,
        batch_sampler=type(group)(
            sampler, batch_size=group.batch_size, drop_last=group.drop_last),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        worker_init_fn=loader.worker_init_fn,
        generator=torch.Generator())  # workers' seeds are not drawn from the training's generator
    return PlacedLoader(own, Purpose.PRECISE_BN, runner.seed, iters_done)
