"""Where in its data a checkpoint was written, and whether that place is there again."""

from mmengine.dist import get_world_size
from mmengine.runner import BaseLoop, IterBasedTrainLoop

from ..faults.setup_error import SetupError

KEY = 'position'
_WORDS = dict(images='images in the data set', batch='images a step of all processes',
              batches='steps an epoch')


def describe_position(loop: BaseLoop) -> dict[str, int]:
    """Say what a position in the training data is relative to.

    Args:
        loop (BaseLoop): Of the training.

    Returns:
        dict[str, int]: ``images`` of the data set, ``batch``, images a step of all processes, and
        ``batches``, steps an epoch.
    """
    loader = loop.dataloader
    size = loader.batch_size or loader.batch_sampler.batch_size
    return dict(images=len(loader.dataset), batch=size * get_world_size(), batches=len(loader))


def check_position(meta: dict, loop: BaseLoop, allow_changed: bool = False) -> None:
    """Refuse to resume where the order of the data would be another one.

    Between two epochs the data set and the batch may change, with a warning: the iterations are
    then counted anew.

    Args:
        meta (dict): Of a checkpoint, with ``epoch`` and ``iter``, which may be changed, and with
            :func:`describe_position` as ``position``, if this project wrote it.
        loop (BaseLoop): Of the training that is to go on.
        allow_changed (bool): Whether to go on all the same, from the beginning of the epoch that
            was not finished. Defaults to False.

    Raises:
        SetupError: If the checkpoint lies within an epoch, or within a training that is counted in
            iterations, of other data or another batch; both numbers are named.
    """
    epoch, done = meta['epoch'], meta['iter']
    now, before = describe_position(loop), meta.get(KEY)
    if isinstance(loop, IterBasedTrainLoop):
        now.pop('batches')  # a sampler without end has no epochs
        if (changes := _changes(before, now)) and not allow_changed:
            raise SetupError(f'cannot resume after {done} iterations: {changes}: resume with the '
                             'settings it was trained with, or start anew')
        return
    length = now['batches']
    changes = _changes(before, now)
    if not changes and 0 <= done - epoch * length <= length:
        return
    changes = changes or f'an epoch has {length} steps now'
    # one of another project does not say how long its epochs were
    between = done == epoch * (before['batches'] if before else done // max(epoch, 1))
    if not between and not allow_changed:
        raise SetupError(f'cannot resume after {done} iterations, within epoch {epoch + 1}: '
                         f'{changes}: resume with the settings it was trained with, or from a '
                         'checkpoint of the end of an epoch')
    meta['iter'] = epoch * length
    loop.runner.logger.warning(f'resuming after {epoch} epochs, though {changes}: {done} '
                               f'iterations are counted as {meta["iter"]}')


def _changes(before: dict[str, int] | None, now: dict[str, int]) -> str:
    """Name what differs; nothing, where nothing is known of before."""
    return ', '.join(f'the checkpoint has {before[key]} {_WORDS[key]}, this run {value}'
                     for key, value in now.items() if before and before[key] != value)
