"""Checks that save hours: what would go wrong later is found before the first step."""

from mmengine.dist import all_gather_object, get_world_size
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.utils.data import DataLoader

from infomin_plugin.models.memories import KeyBank, KeyQueue

from ..faults.setup_error import SetupError


def check_batches(loader: DataLoader, model: nn.Module) -> None:
    """Refuse data that leave a process without a batch, and memories of another size.

    Args:
        loader (DataLoader): This process's training data.
        model (nn.Module): A :class:`KeyQueue` in it is compared with the batch of all processes, a
            :class:`KeyBank` with the number of images.

    Raises:
        SetupError: On every process, if one of them would get no batch or another number of
            images than the others, if a queue is smaller than the batch, or if a bank has not one
            key an image.
    """
    # a loader with a batch sampler of its own has no batch size
    batch_size = loader.batch_size or loader.batch_sampler.batch_size
    processes = get_world_size()
    counts = all_gather_object((len(loader.sampler), len(loader), batch_size))
    if min(batches for _, batches, _ in counts) == 0:
        raise SetupError(
            f'no full batch: the data set has {len(loader.dataset)} images for {processes} '
            f'processes of batch {batch_size}: use a smaller train_dataloader.batch_size, fewer '
            'processes or more images')
    if len(set(counts)) > 1:
        raise SetupError(
            'the processes get different numbers of images, which leaves one without a batch at '
            f'the end: (images, batches, batch size) a process = {counts}; use a sampler with '
            'round_up=True')
    batch = batch_size * processes
    for memory in model.modules():
        if isinstance(memory, KeyQueue) and memory.length < batch:
            raise SetupError(
                f'queue of length {memory.length} is smaller than the batch of {batch} keys '
                f'({processes} processes of {batch_size}): set model.memory.length to at least the '
                'batch')
        if isinstance(memory, KeyBank) and memory.length != len(loader.dataset):
            raise SetupError(
                f'the bank has {memory.length} keys, the training set {len(loader.dataset)} '
                f'images: set model.memory.length={len(loader.dataset)}')


def check_source_ratio(loader: DataLoader) -> None:
    """Refuse a sampler over several sources that cannot keep its ratio in every batch.

    mmdet's ``MultiSourceSampler`` fills batches of its own ``batch_size``, which the loader cuts
    anew by its own, and it waits for ever for a source that gets no place in a batch.

    Args:
        loader (DataLoader): Of any sampler; those without ``num_per_source`` pass.

    Raises:
        SetupError: If the two batch sizes differ, or a source has no image in a batch.
    """
    places = getattr(loader.sampler, 'num_per_source', None)
    if places is None:
        return
    if loader.sampler.batch_size != loader.batch_size:
        raise SetupError(
            f'train_dataloader.sampler.batch_size is {loader.sampler.batch_size} and '
            f'train_dataloader.batch_size {loader.batch_size}: with different ones the ratio of '
            'the sources holds in no batch')
    if min(places) < 1:
        raise SetupError(
            f'source_ratio {loader.sampler.source_ratio} gives the sources {places} places in a '
            f'batch of {loader.batch_size}: each needs one at least')


def check_resumable(state: dict[str, Tensor], model: nn.Module) -> None:
    """Refuse to resume a model from another one's tensors.

    MMEngine would keep the random values of a tensor that does not fit, such as a queue of another
    length, and go on.

    Args:
        state (dict[str, Tensor]): The checkpoint's ``state_dict``.
        model (nn.Module): As the config builds it.

    Raises:
        SetupError: If a tensor of the model is absent or has another shape.
    """
    problems = []
    for name, tensor in _unwrapped(model).state_dict().items():
        if name not in state:
            problems.append(f'{name} is absent')
        elif state[name].shape != tensor.shape:
            problems.append(f'{name} is {tuple(state[name].shape)} in the checkpoint, '
                            f'{tuple(tensor.shape)} in the config')
    if problems:
        more = f'; and {len(problems) - 5} more' if len(problems) > 5 else ''
        raise SetupError('cannot resume: the checkpoint is of another model: '
                         + '; '.join(problems[:5]) + more
                         + '. Resume with the settings it was trained with, or start anew.')


def check_training_state(checkpoint: dict) -> None:
    """Refuse to resume from a file that would leave a part of the training as it was at its start.

    Args:
        checkpoint (dict): See MMEngine's ``Runner.save_checkpoint``.

    Raises:
        SetupError: If the position, the optimiser's state or the log is absent, or the position or
            the seed is no whole number.
    """
    meta = checkpoint.get('meta')
    position = [meta.get(key) for key in ('epoch', 'iter')] if isinstance(meta, dict) else [None]
    if not all(type(number) is int and number >= 0 for number in position):
        raise SetupError(f'cannot resume: epoch and iter of the checkpoint are {position!r:.80}')
    if type(meta.get('seed', 0)) not in (int, type(None)):
        raise SetupError('cannot resume: the seed of the checkpoint is no whole number')
    absent = [part for part in ('optimizer', 'message_hub')
              if not isinstance(checkpoint.get(part), dict)]
    if absent:
        raise SetupError(f'cannot resume: the checkpoint has no {" and no ".join(absent)}: it '
                         'holds weights alone, which --pretrained or load_from takes')


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
