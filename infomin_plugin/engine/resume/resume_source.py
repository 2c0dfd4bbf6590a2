"""Where a training goes on that is told to resume and not from which file."""

import os
from logging import Logger
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process

from infomin_plugin.checkpoints import CheckpointError
from infomin_plugin.checkpoints.training_state import load_training_state

from .checkpoint_folder import LAST, find_checkpoints, read_last


def find_resume_source(work_dir: str | os.PathLike, logger: Logger) -> str | None:
    """Find the newest checkpoint that is whole; the first process looks, all are told.

    Args:
        work_dir (str | PathLike): Of the run.
        logger (Logger): Is warned of each file that is skipped, and why.

    Returns:
        str | None: Path of the checkpoint; None, to start anew, if there is none at all.

    Raises:
        CheckpointError: On every process, if there are some but none is whole, or there is none
            and the work dir names one that is gone, or names none in the file that should.
    """
    answer: list = [None, None]
    if is_main_process():
        try:
            answer[0] = _newest_whole(Path(work_dir), logger)
        except CheckpointError as error:
            answer[1] = str(error)
    broadcast_object_list(answer)
    path, problem = answer
    if problem:
        raise CheckpointError(problem)
    logger.info(f'Resuming from {path}, which is whole.' if path else
                f'Nothing to resume in {work_dir}: starting anew.')
    return path


def _newest_whole(work_dir: Path, logger: Logger) -> str | None:
    skipped = []
    for path in find_checkpoints(work_dir):
        try:
            load_training_state(path)
        except (CheckpointError, OSError) as error:
            logger.warning(f'{path.name} is skipped: {error}')
            skipped.append(str(error))
        else:
            return str(path)
    last = read_last(work_dir)
    if skipped:
        raise CheckpointError(
            f'cannot resume: no checkpoint in {work_dir} is whole ({"; ".join(skipped)}). To '
            'start anew, take another work dir or none of --resume')
    if last:
        raise CheckpointError(
            f'cannot resume: {work_dir} names {last} as its last checkpoint, which is gone, and '
            'there is no other. To start anew, take another work dir or none of --resume')
    if (work_dir / LAST).is_file():
        raise CheckpointError(
            f'cannot resume: {work_dir / LAST} names no checkpoint (a crash while it was written), '
            'and there is none beside it. Write the path of the newest into it if checkpoints are '
            'in another folder; to start anew, remove it')
    return None
