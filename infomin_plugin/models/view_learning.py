"""Learning to make views: a generator against two encoders, with or without labels."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.runner import get_state_dict
from torch import Tensor, nn
from torch.nn import functional as F

from infomin_plugin.registry import MODELS

from .gather import gather_embeddings

GENERATOR, ENCODERS, CLASSIFIERS = 'generator', 'encoders', 'classifiers'

# The range of log|det| is logged of so many images of a batch.
_LOG_DET_IMAGES = 8


def cross_view_loss(first: Tensor, second: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """InfoNCE between two views with the other images of the batch as negatives, both ways.

    Tian et al. 2020, equation 1. The batch is that of all processes, whose gradients, averaged by
    distributed training, are those of one process with the whole batch.

    Args:
        first, second: N×C unit vectors of view 1 and view 2; row n of both is image n.
        temperature: Divisor of the cosine similarities.

    Returns:
        tuple[Tensor, Tensor]: The loss in nats, the mean of both directions (scalar), and the
        percentage of queries whose own key has the largest logit (scalar, no gradient).
    """
    first, second = gather_embeddings(first), gather_embeddings(second)  # N: of all processes
    logits = (first / temperature) @ second.t()  # N×N
    own = torch.arange(len(logits), device=logits.device)
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2
    hits = [scores.detach().argmax(dim=1).eq(own).float().mean() for scores in (logits, logits.t())]
    return loss, sum(hits) * 50


class Labelled(NamedTuple):
    """The labelled images of a batch."""

    # indices of M images; of all, where this process has none and another has some
    images: Tensor
    # their classes, M
    labels: Tensor
    # labelled images a process, the mean over processes: what makes the gradients, which are
    # averaged over processes, those of the mean over all labelled images
    count: Tensor


@MODELS.register_module()
class ViewLearning(BaseModel):
    """Learn an invertible generator whose two views share little, or little but the label.

    "What Makes for Good Views for Contrastive Learning?" (Tian et al., NeurIPS 2020), sections 3.2
    and 3.3. Encoders f1, f2 maximise I_NCE, the InfoNCE bound of the information between the views
    g(X)_1 and g(X)_2:3; the generator g minimises it. Semi-supervised, a classifier on each view
    learns from the labelled images, and the generator lowers its cross-entropy, too. Supervised,
    only that is left to the generator; the encoders learn on, so that I_NCE is measured.

    The players take turns within a step: ``encoder_steps`` of the encoders, one of the classifiers,
    one of the generator, all on the same batch. Each step changes one player's parameters. Works
    with MMEngine's ``MMSeparateDistributedDataParallel``; negatives are those of all processes.

    The classifiers are shown labelled images alone, so that others do not reach them through batch
    norm either; in a step without labelled images they rest.

    Args:
        generator (dict): A view generator with parameters, see :class:`ViewGenerator`.
        encoders (dict): See :class:`TwoViewEncoder`.
        temperature (float): Divisor of the cosine similarities, above 0.
        classifiers (dict, optional): See :class:`TwoViewClassifier`; None: unsupervised.
        contrast_weight (float): Factor of I_NCE in the generator's loss; 0: supervised.
        classifier_weight (float): Factor of the sum of both classifiers' cross-entropy in the
            generator's loss. Defaults to 1.
        encoder_steps (int): The encoders' steps for each of the generator's. Defaults to 1.
        data_preprocessor (dict, optional): See :class:`ViewDataPreprocessor`; images in [0, 1], and
            ``keep=('gt_label',)``.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If an argument is outside its range, or the generator would have no loss.
    """

    def __init__(self,
                 generator: dict,
                 encoders: dict,
                 temperature: float,
                 classifiers: dict | None = None,
                 contrast_weight: float = 1.0,
                 classifier_weight: float = 1.0,
                 encoder_steps: int = 1,
                 data_preprocessor: dict | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if temperature <= 0:
            raise ValueError(f'temperature must be above 0, got {temperature}')
        if contrast_weight < 0 or classifier_weight < 0 or encoder_steps < 1:
            raise ValueError('contrast_weight and classifier_weight must not be negative and '
                             f'encoder_steps at least 1, got {contrast_weight}, '
                             f'{classifier_weight} and {encoder_steps}')
        if contrast_weight == 0 and classifiers is None:
            raise ValueError('contrast_weight is 0 and there are no classifiers: nothing is left '
                             'for the generator to learn from')
        self.generator = MODELS.build(generator)
        self.encoders = MODELS.build(encoders)
        self.classifiers = MODELS.build(classifiers) if classifiers else None
        self.temperature = temperature
        self.contrast_weight = contrast_weight
        self.classifier_weight = classifier_weight
        self.encoder_steps = encoder_steps

    def forward(self, inputs: dict[str, list[Tensor]], mode: str = 'tensor', **kwargs) -> Tensor:
        """Map images (``inputs['views'][0]``, N×3×H×W in [0, 1]) to z, N×3×H×W.

        Args:
            inputs (dict): As the preprocessor gives it.
            mode (str): ``'tensor'``; training is :meth:`train_step`'s.
            **kwargs: Not used; part of MMEngine's interface.

        Raises:
            ValueError: If ``mode`` is another.
        """
        if mode != 'tensor':
            raise ValueError(f"ViewLearning has the mode 'tensor', got {mode!r}: it is trained by "
                             'train_step, with a PlayerOptimWrapperConstructor')
        return self.generator(inputs['views'][0])

    def state_dict(self, *args, destination: dict | None = None, prefix: str = '',
                   keep_vars: bool = False) -> dict:
        """Weights by the names of one process, also where the players are wrapped for several."""
        return get_state_dict(self, destination, prefix, keep_vars)

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """Let every player take its steps on a batch.

        Args:
            data (dict): As the pipeline gives it, with ``gt_label`` if there are classifiers:
                class indices, -1 for unlabelled images.
            optim_wrapper (OptimWrapperDict): With 'generator', 'encoders' and, if there are
                classifiers, 'classifiers'.

        Returns:
            dict[str, Tensor]: For the log: ``i_nce`` (nats) after the encoders' steps and before
            the generator's, its ceiling ``i_nce_max`` (log N), ``acc_contrast``, ``acc1`` and
            ``acc2`` of the classifiers (percent of the labelled, absent without any), losses of the
            players, mean and standard deviation of each channel of z, and the range of log|det|
            over the pixels of 8 images.
        """
        data = self.data_preprocessor(data, True)
        images = data['inputs']['views'][0]
        labelled = None if self.classifiers is None else self._labelled(data.get('gt_label'))
        with optim_wrapper[GENERATOR].optim_context(self):
            z = self.generator(images)  # N×3×H×W
        views = split(self.generator, z.detach())
        log = self._statistics(images, z.detach())
        with optim_wrapper[ENCODERS].optim_context(self):
            for _ in range(self.encoder_steps):
                loss, log['acc_contrast'] = cross_view_loss(
                    *self.encoders(views), self.temperature)
                log |= self._update(optim_wrapper, ENCODERS, loss)
        if labelled is not None:
            with optim_wrapper[CLASSIFIERS].optim_context(self):
                loss, accuracies = self._classify(views, labelled)
                log |= accuracies | self._update(optim_wrapper, CLASSIFIERS, loss)
        with optim_wrapper[GENERATOR].optim_context(self):
            log |= self._generator_step(z, labelled, optim_wrapper)
        return log

    def _generator_step(self, z: Tensor, labelled: Labelled | None,
                        optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        views = split(self.generator, z)
        # The others' parameters are held: their gradients would be thrown away.
        with held(self.encoders), held(self.classifiers):
            # without weight I_NCE is measured alone: 0 times its gradient costs as much, and is
            # no number where I_NCE is none
            weighted = self.contrast_weight > 0
            with torch.set_grad_enabled(weighted):
                contrast, _ = cross_view_loss(*self.encoders(views), self.temperature)
            ceiling = math.log(len(z) * get_world_size())
            i_nce = ceiling - contrast
            loss = self.contrast_weight * i_nce if weighted else 0.
            if labelled is not None:
                loss = loss + self.classifier_weight * self._classify(views, labelled)[0]
        log = self._update(optim_wrapper, GENERATOR, loss) if isinstance(loss, Tensor) else {}
        return log | dict(i_nce=i_nce.detach(), i_nce_max=i_nce.new_tensor(ceiling))

    @staticmethod
    def _labelled(labels: Tensor | None) -> Labelled | None:
        """Which images have labels; None if no process has any."""
        if labels is None:
            raise ValueError("classifiers need labels: set data_preprocessor.keep=('gt_label',) "
                             'and meta_keys of PackViews')
        images = (labels >= 0).nonzero().flatten()
        count = labels.new_tensor(float(len(images)), dtype=torch.float32)
        all_reduce(count, 'mean')
        if count == 0:
            return None
        if not len(images):  # the step of another process waits for this one's, which adds nothing
            images = torch.arange(len(labels), device=labels.device)
        return Labelled(images, labels[images], count)

    def _classify(self, views: list[Tensor],
                  labelled: Labelled) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum of both classifiers' mean cross-entropy over labelled images, and accuracies."""
        losses, log = [], {}
        shown = [view.index_select(0, labelled.images) for view in views]
        known = labelled.labels >= 0
        for i, logits in enumerate(self.classifiers(shown), 1):
            each = F.cross_entropy(logits, labelled.labels, ignore_index=-1, reduction='sum')
            losses.append(each / labelled.count)
            if known.any():
                hits = logits.detach().argmax(dim=1) == labelled.labels
                log[f'acc{i}'] = 100 * hits[known].float().mean()
        return sum(losses), log

    @staticmethod
    def _update(optim_wrapper: OptimWrapperDict, player: str, loss: Tensor) -> dict[str, Tensor]:
        optim_wrapper[player].update_params(loss)
        return {f'loss_{player}': loss.detach()}

    @torch.no_grad()
    def _statistics(self, images: Tensor, z: Tensor) -> dict[str, Tensor]:
        log = {}
        for channel in range(z.size(1)):
            log[f'z{channel}_mean'] = z[:, channel].mean()
            log[f'z{channel}_std'] = z[:, channel].std()
        log_det = unwrapped(self.generator).log_det(images[:_LOG_DET_IMAGES])
        return log | dict(log_det_min=log_det.min(), log_det_mean=log_det.mean(),
                          log_det_max=log_det.max())


def unwrapped(module: nn.Module) -> nn.Module:
    """Return a module without the wrapper of distributed training."""
    return module.module if is_model_wrapper(module) else module


def split(generator: nn.Module, z: Tensor) -> list[Tensor]:
    """Share z out to the two views as a generator, wrapped or not, says."""
    return list(unwrapped(generator).split(z))


@contextmanager
def held(module: nn.Module | None) -> Iterator[None]:
    """Let gradients pass through a module but not stop at its parameters."""
    parameters = [p for p in module.parameters() if p.requires_grad] if module else []
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
