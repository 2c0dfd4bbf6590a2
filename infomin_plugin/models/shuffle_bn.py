"""Shuffling batch norm (He et al. 2020, section 3.3), within a node."""

import socket
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from mmengine.dist import all_gather_object, broadcast, get_rank, get_world_size
from torch import Tensor, distributed
from torch.distributed import ProcessGroup

from .gather import gather_rows


@torch.no_grad()
def encode_shuffled(encode: Callable[..., Sequence[Tensor]],
                    views: Sequence[Tensor]) -> list[Tensor]:
    """Encode views on batches that are shuffled across the processes of a node.

    Batch statistics must not tell which keys are whose. As in the authors' code images stay on
    their node, whose links are fast. The views of an image stay together.

    Args:
        encode (Callable): Takes the views, each N×…, as one argument; returns a sequence of N×C
            matrices.
        views (Sequence[Tensor]): Of this process's images.

    Returns:
        list[Tensor]: What ``encode`` returns, for this process's images, in their order.

    Raises:
        ValueError: See :func:`gather_rows`.
    """
    if get_world_size() == 1:
        return list(encode(views))
    group = node_group()
    processes, rank, size = get_world_size(group), get_rank(group), len(views[0])
    order = torch.randperm(processes * size, device=views[0].device)
    broadcast(order, 0 if group is None else distributed.get_process_group_ranks(group)[0], group)
    taken = order.view(processes, size)[rank]
    encoded = encode([gather_rows(view, group)[taken] for view in views])
    own = order.argsort().view(processes, size)[rank]
    return [gather_rows(keys, group)[own] for keys in encoded]


def node_group() -> ProcessGroup | None:
    """Processes of this node, by the host's name, whatever launched them; collective at first.

    None for all processes: where there is one node, or a node has one process, which could shuffle
    with nobody.
    """
    return _node_group(distributed.group.WORLD)


@lru_cache(maxsize=1)
def _node_group(_: ProcessGroup) -> ProcessGroup | None:
    nodes: dict[str, list[int]] = {}
    for rank, host in enumerate(all_gather_object(socket.gethostname())):
        nodes.setdefault(host, []).append(rank)
    if len(nodes) == 1 or min(map(len, nodes.values())) == 1:
        return None
    return distributed.new_subgroups_by_enumeration(list(nodes.values()))[0]
