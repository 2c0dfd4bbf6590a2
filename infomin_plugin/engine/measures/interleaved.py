"""Rows that a sampler has dealt out to several processes, put together again."""

import torch
from mmengine.dist import all_gather, get_world_size, is_main_process
from torch import Tensor


def gather_interleaved(columns: list[Tensor], size: int,
                       block_bytes: int = 2**23) -> list[Tensor]:
    """Collect the rows of all processes on the main one, in the order of the data set.

    Of P processes the r-th has the rows r, r + P, r + 2P, …, as MMEngine's ``DefaultSampler`` deals
    them out; those that it repeats at the end, for all to have as many, are left out. Rows go block
    by block: beside the result on the main process, none holds more than its own rows and a block
    of each process.

    Args:
        columns (list[Tensor]): n×… each, on the CPU; of all processes as many, of the same types
            and sizes of a row.
        size (int): Images of the data set.
        block_bytes (int): Most that a process sends at a time; with NCCL the GPU has as much of
            each process. Defaults to 8 MB.

    Returns:
        list[Tensor]: M×…, where M is ``size``, or less if the loader drops images; empty on the
        other processes.

    Raises:
        ValueError: On every process, if one has no rows, or if they were not dealt out in turn.
    """
    if get_world_size() == 1:
        return [rows[:size] for rows in columns]
    own = len(columns[0]) if columns else 0
    counts = torch.cat(all_gather(torch.tensor([own]))).tolist()
    dealt = [len(range(rank, sum(counts), len(counts))) for rank in range(len(counts))]
    if min(counts) == 0 or counts != dealt:
        raise ValueError(f'the processes have {counts} images, which were not dealt out in turn, '
                         'or not to all: a DefaultSampler and drop_last=False are needed, and no '
                         'more processes than images')
    return [_gather(rows, max(counts), min(size, sum(counts)), block_bytes) for rows in columns]


def _gather(rows: Tensor, most: int, size: int, block_bytes: int) -> Tensor:
    processes = get_world_size()
    row = rows[0]
    length = min(most, max(1, block_bytes // (row.numel() * row.element_size())))
    gathered = rows.new_empty((size if is_main_process() else 0, *row.shape))
    block = rows.new_zeros((length, *row.shape))
    for start in range(0, most, length):
        part = rows[start:start + length]
        block[:len(part)] = part
        for rank, theirs in enumerate(all_gather(block)):
            places = gathered[start * processes + rank::processes][:length]
            places.copy_(theirs[:len(places)])
    return gathered
