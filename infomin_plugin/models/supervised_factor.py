"""The supervised rows of Colorful Moving-MNIST's table (Tian et al. 2020, section 4.1)."""

from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn import functional as F

from infomin_plugin.registry import MODELS

from .frame_encoders import ClipTrunk

# factor -> the key of its label in a batch
LABEL_KEYS = {'digit': 'gt_label', 'background': 'background', 'position': 'position'}


@MODELS.register_module()
class SupervisedFactor(BaseModel):
    """Learn one factor of a clip from its labels, with the trunk of a contrastive f1.

    The digit's or the background's class by cross-entropy, or the place of the digit in the frame
    after the clip by the mean squared error in units of the canvas.

    Args:
        factor (str): 'digit', 'background' or 'position'.
        num_classes (int, optional): Of the digit or background, at least 2; None for 'position'.
        feature_channels (int): Of the trunk, see :class:`SequenceFrameEncoder`. Defaults to 64.
        canvas (int): Side of the frames, px. Defaults to 64.
        trunk (dict, optional): Further arguments of :class:`FrameTrunk`.
        data_preprocessor (dict, optional): See :class:`ViewDataPreprocessor`; its ``keep`` must
            name the factor's label: 'gt_label' of the digit, 'background' or 'position'.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If the factor is another, or ``num_classes`` does not fit it.
    """

    def __init__(self,
                 factor: str,
                 num_classes: int | None = None,
                 feature_channels: int = 64,
                 canvas: int = 64,
                 trunk: dict | None = None,
                 data_preprocessor: dict | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if factor not in LABEL_KEYS:
            raise ValueError(f'factor must be one of {sorted(LABEL_KEYS)}, got {factor!r}')
        if factor == 'position' and num_classes is not None:
            raise ValueError(f"num_classes must be None for factor='position', got {num_classes}")
        if factor != 'position' and (num_classes is None or num_classes < 2):
            raise ValueError(f'num_classes must be at least 2 for factor={factor!r}, '
                             f'got {num_classes}')
        self.factor = factor
        self.canvas = canvas
        self.trunk = ClipTrunk(feature_channels, frame_size=canvas, **(trunk or {}))
        self.head = nn.Linear(feature_channels, num_classes or 2)

    def forward(self, inputs: dict[str, list[Tensor]], mode: str = 'tensor',
                **labels) -> Tensor | dict[str, Tensor]:
        """Losses or features of the clips ``inputs['views'][0]``, N×T×3×S×S.

        Args:
            inputs (dict): As the preprocessor gives it.
            mode (str): ``'loss'``; or ``'tensor'`` for the trunk's features, N×F, which the head
                reads linearly.
            **labels: Other keys of the batch; a loss needs the factor's.

        Returns:
            dict | Tensor: See :meth:`loss`; or the features.

        Raises:
            ValueError: If ``mode`` is none of these, or the label is missing.
        """
        if mode not in ('loss', 'tensor'):
            raise ValueError(f"SupervisedFactor has the modes 'loss' and 'tensor', got {mode!r}")
        features = self.trunk(inputs['views'][0])
        if mode == 'tensor':
            return features
        key = LABEL_KEYS[self.factor]
        if labels.get(key) is None:
            raise ValueError(f'factor={self.factor!r} needs {key!r} of the batch: name it in '
                             'data_preprocessor.keep and in meta_keys of PackViews')
        return self.loss(self.head(features), labels[key])

    def loss(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compare the head's outputs with labels.

        Args:
            outputs (Tensor): N×classes logits, or N×2 places in units of the canvas.
            labels (Tensor): N classes, or N×2 places, px.

        Returns:
            dict: ``loss``; and ``acc`` in percent, or ``distance``, the mean one in px.
        """
        if self.factor == 'position':
            errors = outputs - labels / self.canvas
            distance = errors.detach().norm(dim=1).mean() * self.canvas
            return dict(loss=errors.square().mean(), distance=distance)
        hits = outputs.argmax(dim=1) == labels
        return dict(loss=F.cross_entropy(outputs, labels), acc=100 * hits.float().mean())
