"""Where a training writes: whether it can, and whether there is room."""

import shutil
import tempfile
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from .setup_error import SetupError

_GIGA = 1e9


def check_work_dir(work_dir: str | Path) -> None:
    """Make the work dir, and write to it.

    Args:
        work_dir (str | Path): Of a run; made if it is not there.

    Raises:
        SetupError: If it is a file, cannot be made or cannot be written to.
    """
    try:
        _try_to_write(Path(work_dir))
    except OSError as error:
        raise SetupError(f'work_dir {work_dir} cannot be written to: {error}. Set another by '
                         '--work-dir') from error


def check_result_file(path: str | Path, option: str) -> None:
    """Make the folder of a file that the main process will write after hours, and write to it.

    Args:
        path (str | Path): The file; one that is there is left as it is.
        option (str): Of the command line, that names it.

    Raises:
        ValueError: On every process, if it is a folder, or its folder cannot be made or written
            to.
    """
    path, problems = Path(path), [None]
    if is_main_process():
        try:
            if path.is_dir():
                raise IsADirectoryError('it is a folder')
            _try_to_write(path.parent)
        except OSError as error:
            problems = [f'{option} {path} cannot be written: {error}. Give another file']
    broadcast_object_list(problems)
    if problems[0]:
        raise ValueError(problems[0])


def _try_to_write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b'0')
        file.flush()


def disk_state(folder: str | Path) -> str:
    """Say how much room is left where a folder lies."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return f'what is free there is not known ({error})'
    return f'{usage.free / _GIGA:.2f} of {usage.total / _GIGA:.2f} GB are free there'


def checkpoint_bytes(model: nn.Module, optim_wrapper: OptimWrapper) -> int:
    """Estimate the size of a checkpoint with the state of its optimisers.

    Args:
        model (nn.Module): Whose state is saved.
        optim_wrapper (OptimWrapper): One, or those of several players. One that has not stepped yet
            has no state: it will have a tensor a parameter with momentum, two with Adam's betas.
    """
    players = (optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict)
               else (optim_wrapper, ))
    moments = sum(
        _bytes(parameter) * (2 if 'betas' in group else bool(group.get('momentum')))
        for player in players for group in player.param_groups for parameter in group['params']
        if parameter.requires_grad)
    return sum(map(_bytes, model.state_dict().values())) + moments


def check_room(folder: str | Path, size: int, kept: int) -> None:
    """Refuse to train where the checkpoints will not fit.

    Args:
        folder (str | Path): Of the checkpoints. What is there already is counted in.
        size (int): Of a checkpoint, in bytes.
        kept (int): How many are kept, at least 1. The newest is written before the oldest is
            removed: there are one more for a moment.

    Raises:
        SetupError: If there is too little room.
    """
    there = sum(path.stat().st_size for path in Path(folder).glob('*.pth') if path.is_file())
    needed = max((kept + 1) * size - there, size)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f'{folder} has {free / _GIGA:.2f} GB free, the checkpoints will need about '
            f'{needed / _GIGA:.2f} GB more: {kept} kept and one being written, of '
            f'{size / _GIGA:.2f} GB. Make room, set another --work-dir, fewer '
            'default_hooks.checkpoint.max_keep_ckpts, or run_hooks.start_checks.room=False')


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
