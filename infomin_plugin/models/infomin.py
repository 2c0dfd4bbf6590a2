"""Contrast with a memory and an optional jigsaw branch: InfoMin, MoCo v1 and v2, PIRL, InstDis."""

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from infomin_plugin.registry import MODELS

from .memories import KeyBank, KeyQueue, build_memory
from .momentum_encoder import MomentumEncoder
from .shuffle_bn import encode_shuffled
from .unit_vectors import unit_vectors


class Encoder(nn.Module):
    """A trunk and a neck: images (N×3×H×W) to unit vectors (N×C)."""

    def __init__(self, backbone: nn.Module, neck: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck

    def forward(self, images: Tensor) -> Tensor:
        """Embed a batch."""
        return unit_vectors(self.neck(self.backbone(images))[0])


@MODELS.register_module()
class InfoMin(BaseModel):
    """Contrast a view of an image, and its jigsaw patches, with its own key and a memory of others.

    "What Makes for Good Views for Contrastive Learning?" (Tian et al., NeurIPS 2020), section 4.3
    and appendix. With a :class:`KeyQueue` the own key is that of a second view, by a momentum
    encoder (He et al. 2020): InfoMin; without ``jigsaw_neck`` MoCo v2, and with a linear neck and
    another recipe MoCo. With a :class:`KeyBank` it is the bank's, of earlier epochs: InstDis (Wu et
    al. 2018), and with the jigsaw branch PIRL (Misra & van der Maaten 2020).

    Args:
        backbone (dict): Trunk; gives a tuple of one feature map.
        neck (dict): Projects the feature map to an N×C embedding.
        head (dict): Contrastive loss of the view branch.
        memory (dict): A :class:`KeyQueue` or a :class:`KeyBank`. The bank needs ``sample_idx`` of
            the batch: ``data_preprocessor.keep``.
        momentum (float): Momentum of the key encoder of a queue. Defaults to 0.999.
        jigsaw_neck (dict, optional): Embeds an image's patches; turns the jigsaw branch on.
        jigsaw_head (dict, optional): Contrastive loss of the jigsaw branch.
        data_preprocessor (dict, optional): See :class:`ViewDataPreprocessor`.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        TypeError: If the memory is neither a queue nor a bank.
        ValueError: If only one of ``jigsaw_neck`` and ``jigsaw_head`` is given.
    """

    def __init__(self,
                 backbone: dict,
                 neck: dict,
                 head: dict,
                 memory: dict,
                 momentum: float = 0.999,
                 jigsaw_neck: dict | None = None,
                 jigsaw_head: dict | None = None,
                 data_preprocessor: dict | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if (jigsaw_neck is None) != (jigsaw_head is None):
            raise ValueError('the jigsaw branch needs both jigsaw_neck and jigsaw_head')
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.head = MODELS.build(head)
        self.memory = build_memory(memory)
        self.momentum_encoder = (
            MomentumEncoder(self.encoder, momentum) if isinstance(self.memory, KeyQueue) else None)
        self.jigsaw_neck = MODELS.build(jigsaw_neck) if jigsaw_neck else None
        self.jigsaw_head = MODELS.build(jigsaw_head) if jigsaw_head else None

    @property
    def encoder(self) -> Encoder:
        """The query encoder: the trunk and neck that are trained."""
        return Encoder(self.backbone, self.neck)

    def init_weights(self) -> None:
        """Initialise the query encoder and start a key encoder as its copy."""
        super().init_weights()
        if self.momentum_encoder is not None:
            self.momentum_encoder.copy_from(self.encoder)

    def forward(self,
                inputs: dict[str, list[Tensor]],
                sample_idx: Tensor | None = None,
                mode: str = 'tensor',
                **kwargs) -> Tensor | dict[str, Tensor] | list:
        """Losses or features.

        Args:
            inputs (dict): ``views``: list of N×3×H×W batches; ``patches``: list of N×P×3×h×w.
            sample_idx (Tensor, optional): N indices in the training set, for a bank.
            mode (str): ``'loss'``, ``'tensor'`` or ``'pairs'``.
            **kwargs: Other keys of the batch, not used.

        Returns:
            dict | Tensor | list: See :meth:`loss`, :meth:`extract_feat` and :meth:`pairs`.

        Raises:
            ValueError: If ``mode`` is none of these.
        """
        if mode == 'loss':
            return self.loss(inputs, sample_idx)
        if mode == 'tensor':
            return self.extract_feat(inputs['views'][0])
        if mode == 'pairs':
            return self.pairs(inputs)
        raise ValueError(f"InfoMin has the modes 'loss', 'tensor' and 'pairs', got {mode!r}")

    def extract_feat(self, images: Tensor) -> Tensor:
        """Global average of the trunk's feature map: N×3×H×W images to N×F features."""
        return self.backbone(images)[-1].mean(dim=(2, 3))

    def loss(self,
             inputs: dict[str, list[Tensor]],
             sample_idx: Tensor | None = None) -> dict[str, Tensor]:
        """One contrastive step (Tian et al. 2020, section 4.3).

        Args:
            inputs (dict): ``views``: N×3×H×W batches, the query and, with a queue, the key; with
                the jigsaw branch ``patches``: one N×P×3×h×w batch.
            sample_idx (Tensor, optional): N indices in the training set, for a bank.

        Returns:
            dict: ``loss_view`` and ``loss_jigsaw`` (weighted by their heads), and the contrastive
            accuracies ``acc_view`` and ``acc_jigsaw`` in percent.

        Raises:
            ValueError: If the number of views or patches is wrong, or a bank gets no indices.
        """
        banked = isinstance(self.memory, KeyBank)
        query_view, *key_view = self._views(inputs['views'], 1 if banked else 2)
        if banked:
            keys = self.memory.own(sample_idx)  # N×C
        else:
            keys = self.encode_keys(*key_view)  # N×C
        negatives = self.memory.negatives()  # K×C

        losses = {}
        queries = self.encoder(query_view)  # N×C
        losses['loss_view'], losses['acc_view'] = self.head.loss(queries, keys, negatives)
        if self.jigsaw_neck is not None:
            patch_queries = self.encode_patches(self._one_patch_set(inputs))  # N×C
            losses['loss_jigsaw'], losses['acc_jigsaw'] = self.jigsaw_head.loss(
                patch_queries, keys, negatives)

        if torch.is_grad_enabled():  # what is only measured moves nothing
            self.memory.hold(*((sample_idx, queries.detach()) if banked else (keys, )))
        return losses

    def after_optimizer_step(self) -> None:
        """Let the memory take in the batches of the step, and the key encoder follow.

        :class:`OptimizerStepHook` of the engine calls it; who trains without the runner does.
        """
        self.memory.commit()
        if self.momentum_encoder is not None:
            self.momentum_encoder.update(self.encoder)

    def pairs(self, inputs: dict[str, list[Tensor]]) -> list[tuple[Tensor, Tensor]]:
        """Queries and own keys (N×C) of two views, for an estimate of I_NCE on other images."""
        query_view, key_view = self._views(inputs['views'], 2)
        encode_key = self.momentum_encoder or self.encoder
        return [(self.encoder(query_view), encode_key(key_view))]

    @property
    def stored_keys(self) -> list[Tensor]:
        """The memory's keys (K×C), which the queries are compared with."""
        return [self.memory.keys]

    @torch.no_grad()
    def encode_keys(self, images: Tensor) -> Tensor:
        """Keys (N×C unit vectors) of N×3×H×W images, computed on batches shuffled across processes.

        See :func:`encode_shuffled`.
        """
        (keys, ) = encode_shuffled(lambda views: [self.momentum_encoder(*views)], [images])
        return keys

    def encode_patches(self, patches: Tensor) -> Tensor:
        """Queries (N×C unit vectors) of N×P×3×h×w patches."""
        feature_maps = self.backbone(patches.flatten(0, 1))  # (N·P)×F×h'×w'
        return unit_vectors(self.jigsaw_neck(feature_maps)[0])

    @staticmethod
    def _views(views: list[Tensor], wanted: int) -> list[Tensor]:
        if len(views) != wanted:
            raise ValueError(f'InfoMin takes {wanted} view(s) of an image here, the pipeline makes '
                             f'{len(views)}: set num={wanted} in MultiView (two with a KeyQueue '
                             'and to estimate I_NCE, one with a KeyBank)')
        return views

    @staticmethod
    def _one_patch_set(inputs: dict[str, list[Tensor]]) -> Tensor:
        patches = inputs.get('patches') or []
        if len(patches) != 1:
            raise ValueError(f'the jigsaw branch takes 1 set of patches an image, the pipeline '
                             f'makes {len(patches)}: set patches=dict(num=1, …) in MultiView')
        return patches[0]
