"""Rows of all processes, with and without gradient."""

import torch
from mmengine.dist import all_gather, get_world_size
from torch import Tensor
from torch.distributed import ProcessGroup


@torch.no_grad()
def gather_rows(rows: Tensor, group: ProcessGroup | None = None) -> Tensor:
    """Concatenate the rows (N×…) of all processes, in their order, without gradient.

    Every process must have as many: the runner refuses data that do not give them (see the engine's
    ``preflight``), and a last, smaller batch is equally small on all. On CPUs it is checked here as
    well; on GPUs the host would have to wait for it in each step.

    Args:
        rows (Tensor): Of this process.
        group (ProcessGroup, optional): Whose rows. Defaults to None: all processes.

    Returns:
        Tensor: (N·processes)×….

    Raises:
        ValueError: On every process, if on CPUs they have different numbers of rows.
    """
    if get_world_size(group) == 1:
        return rows
    if rows.device.type == 'cpu':
        counts = torch.cat(all_gather(torch.tensor([len(rows)]), group)).tolist()
        if len(set(counts)) > 1:
            raise ValueError(f'the processes have batches of different sizes, {counts}: use a '
                             'sampler with round_up=True, or drop_last=True')
    return torch.cat(all_gather(rows.contiguous(), group))


def gather_embeddings(embeddings: Tensor) -> Tensor:
    """Concatenate the embeddings (N×C) of all processes; those of this one keep their gradient.

    Made for a loss that each process computes of all embeddings, alike. Its gradient of the other
    processes' rows is theirs to compute; distributed training then averages where it would have to
    add, so the gradient of the own rows is multiplied by the number of processes. Parameters get
    the gradient of the whole batch, with no communication in the backward pass.

    Returns:
        Tensor: (N·processes)×C, equal on all processes.

    Raises:
        ValueError: See :func:`gather_rows`.
    """
    processes = get_world_size()
    if processes == 1:
        return embeddings
    values = embeddings.detach()
    own = values + processes * (embeddings - values)  # the values, exactly
    parts = list(gather_rows(values).chunk(processes))
    parts[torch.distributed.get_rank()] = own
    return torch.cat(parts)
