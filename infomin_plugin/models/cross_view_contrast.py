"""Features from two views of an image that are given: CMC, frozen learned views, two crops."""

import math
from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from mmengine.model import BaseModel
from torch import Tensor, nn

from infomin_plugin.registry import MODELS

from .memories import KeyQueue, build_memory
from .momentum_encoder import MomentumEncoder
from .shuffle_bn import encode_shuffled
from .view_learning import cross_view_loss


@MODELS.register_module()
class CrossViewContrast(BaseModel):
    """Contrast each view's queries with the other view's keys.

    Tian et al. 2020, section 3.2, once the generator is learned and frozen; with the colour space
    YDbDr as the generator and half-width trunks it is CMC (Tian et al. 2019). Without a generator
    the views are those that the pipeline makes, such as two crops or two patches (section 3.1).

    The negatives depend on ``memory``: without one, the other images of the batch of all processes;
    with a :class:`KeyQueue` a view's earlier keys, which a momentum encoder computes; with a
    :class:`KeyBank` keys of other images, and the positive is the image's own of earlier epochs.

    Args:
        encoders (dict): A :class:`TwoViewEncoder`, or a :class:`SharedEncoder`.
        head (dict): A :class:`ContrastiveHead`.
        generator (dict, optional): Makes the views of an image: a view generator or a
            :class:`FrequencySplit`. ``init_cfg=dict(type='Pretrained', checkpoint=...,
            prefix='generator.')`` takes that of a :class:`ViewLearning` run. It stays as it is.
            None: the pipeline makes two views of each image.
        memory (dict, optional): A :class:`KeyQueue` or :class:`KeyBank`, built once a view. The
            bank needs ``sample_idx`` of the batch: ``data_preprocessor.keep``.
        momentum (float): Of the key encoder of a queue. Defaults to 0.999.
        data_preprocessor (dict, optional): See :class:`ViewDataPreprocessor`; images in [0, 1].
        init_cfg (dict, optional): Initialisation config.

    Raises:
        TypeError: If the memory is neither a queue nor a bank.
        ValueError: If the head's ``loss_weight`` is 0: there is no other loss.
    """

    def __init__(self,
                 encoders: dict,
                 head: dict,
                 generator: dict | None = None,
                 memory: dict | None = None,
                 momentum: float = 0.999,
                 data_preprocessor: dict | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.generator = MODELS.build(generator).requires_grad_(False) if generator else None
        self.encoders = MODELS.build(encoders)
        self.head = MODELS.build(head)
        if self.head.loss_weight == 0:
            raise ValueError('head.loss_weight must be above 0: there is no other loss, got 0')
        self.memories = nn.ModuleList(build_memory(memory) for _ in range(2)) if memory else None
        self.momentum_encoder = None
        if memory and isinstance(self.memories[0], KeyQueue):
            self.momentum_encoder = MomentumEncoder(self.encoders, momentum)

    def init_weights(self) -> None:
        """Initialise the encoders and the generator; a key encoder starts as a copy."""
        super().init_weights()
        if self.momentum_encoder is not None:
            self.momentum_encoder.copy_from(self.encoders)

    def train(self, mode: bool = True) -> 'CrossViewContrast':
        """Switch to training; the generator stays in evaluation mode."""
        super().train(mode)
        if self.generator is not None:
            self.generator.eval()
        return self

    def forward(self,
                inputs: dict[str, list[Tensor]],
                sample_idx: Tensor | None = None,
                mode: str = 'tensor',
                **kwargs) -> Tensor | dict[str, Tensor] | list:
        """Losses, features or embeddings of a batch.

        Args:
            inputs (dict): As the preprocessor gives it; ``views`` has one batch of images for a
                generator, N×3×H×W in [0, 1], else two batches of views.
            sample_idx (Tensor, optional): N indices in the training set, for a bank.
            mode (str): ``'loss'``; ``'tensor'`` for N×F features (without a generator, one batch of
                views will do); or ``'pairs'``, see :meth:`pairs`.
            **kwargs: Other keys of the batch, not used.

        Returns:
            dict | Tensor | list: See :meth:`loss`; the features; or see :meth:`pairs`.

        Raises:
            ValueError: If ``mode`` is none of these, a bank gets no indices, or the number of views
                is wrong.
        """
        if mode == 'tensor' and self.generator is None:
            return self.encoders.features(inputs['views'])
        views = self._views(inputs['views'])
        if mode == 'loss':
            return self.loss(views, sample_idx)
        if mode == 'tensor':
            return self.encoders.features(views)
        if mode == 'pairs':
            return self.pairs(views)
        raise ValueError("CrossViewContrast has the modes 'loss', 'tensor' and 'pairs', got "
                         f'{mode!r}')

    @torch.no_grad()
    def _views(self, batches: list[Tensor]) -> Sequence[Tensor]:
        wanted = 2 if self.generator is None else 1
        if len(batches) != wanted:
            made_by = 'the generator makes of' if wanted == 1 else 'are contrasted of'
            raise ValueError(f'two views {made_by} an image: the pipeline must make {wanted}, it '
                             f'makes {len(batches)}')
        return batches if self.generator is None else self.generator.views(batches[0])

    def pairs(self, views: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Queries and own keys of both directions, for an estimate of I_NCE on other images.

        Each is N×C, on the scale of :attr:`head`'s temperature.
        """
        queries = self.encoders(views)
        keys = queries if self.momentum_encoder is None else self.momentum_encoder(views)
        return [(queries[i], keys[1 - i]) for i in (0, 1)]

    @property
    def stored_keys(self) -> list[Tensor] | None:
        """The memories' keys (K×C) that each direction's queries are compared with, if any."""
        if self.memories is None:
            return None
        return [self.memories[1 - i].keys for i in (0, 1)]

    def loss(self, views: Sequence[Tensor],
             sample_idx: Tensor | None = None) -> dict[str, Tensor]:
        """One contrastive step.

        Args:
            views (Sequence[Tensor]): View 1 and view 2, N×c×H×W each.
            sample_idx (Tensor, optional): N indices, for a bank.

        Returns:
            dict: ``loss``, the mean of both directions times the head's weight; ``acc_contrast`` in
            percent; ``i_nce`` in nats and ``i_nce_max``, the log of the number of candidates.
        """
        if self.memories is None:
            first, second = self.encoders(views)
            candidates = len(first) * get_world_size()
            nats, accuracy = cross_view_loss(first, second, self.head.temperature)
            loss = nats * self.head.loss_weight
        else:
            directions = (self._with_queue(views) if self.momentum_encoder is not None
                          else self._with_bank(views, sample_idx))
            candidates = 1 + len(directions[0][2])
            loss, accuracy = (sum(values) / 2 for values in zip(
                *(self.head.loss(*direction) for direction in directions), strict=True))
            nats = loss / self.head.loss_weight
        ceiling = math.log(candidates)
        return dict(loss=loss, acc_contrast=accuracy, i_nce=ceiling - nats.detach(),
                    i_nce_max=nats.new_tensor(ceiling))

    @torch.no_grad()
    def encode_keys(self, views: Sequence[Tensor]) -> list[Tensor]:
        """Keys (N×C unit vectors) of both views, on batches shuffled across processes.

        See :func:`encode_shuffled`.
        """
        return encode_shuffled(self.momentum_encoder, views)

    def after_optimizer_step(self) -> None:
        """Let the memories take in the batches of the step, and the key encoder follow.

        :class:`OptimizerStepHook` of the engine calls it; who trains without the runner does.
        """
        for memory in self.memories or ():
            memory.commit()
        if self.momentum_encoder is not None:
            self.momentum_encoder.update(self.encoders)

    def _with_queue(self, views: Sequence[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Queries, keys and negatives of both directions; the keys wait for the queues."""
        queries, keys = self.encoders(views), self.encode_keys(views)
        directions = [(queries[i], keys[1 - i], self.memories[1 - i].negatives()) for i in (0, 1)]
        if torch.is_grad_enabled():  # what is only measured moves nothing
            for memory, new in zip(self.memories, keys, strict=True):
                memory.hold(new)
        return directions

    def _with_bank(self, views: Sequence[Tensor],
                   sample_idx: Tensor | None) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Likewise; the queries wait for the banks."""
        queries = self.encoders(views)
        directions = [(queries[i], self.memories[1 - i].own(sample_idx),
                       self.memories[1 - i].negatives()) for i in (0, 1)]
        if torch.is_grad_enabled():
            for memory, new in zip(self.memories, queries, strict=True):
                memory.hold(sample_idx, new.detach())
        return directions
