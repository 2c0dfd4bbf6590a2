"""The features of a trunk alone, whatever it was trained by."""

from mmengine.model import BaseModel
from torch import Tensor, nn

from infomin_plugin.registry import MODELS


@MODELS.register_module()
class TrunkFeatures(BaseModel):
    """A trunk whose last feature map is averaged: what read-outs look at.

    Args:
        backbone (dict | nn.Module): Trunk; gives a tuple of feature maps. A config with
            ``pretrained`` loads weights of any origin into it.
        data_preprocessor (dict): See :class:`ViewDataPreprocessor`.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self, backbone: dict | nn.Module, data_preprocessor: dict,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone) if isinstance(backbone, dict) else backbone

    def forward(self, inputs: dict[str, list[Tensor]], mode: str = 'tensor', **kwargs) -> Tensor:
        """Features of the first batch of views.

        Args:
            inputs (dict): ``views``: list of N×3×H×W batches.
            mode (str): ``'tensor'``.
            **kwargs: Other keys of the batch, not used.

        Returns:
            Tensor: N×F, the global average of the last feature map.

        Raises:
            ValueError: If another mode is asked for: it is not trained.
        """
        if mode != 'tensor':
            raise ValueError(f"TrunkFeatures has the mode 'tensor', got {mode!r}")
        return self.backbone(inputs['views'][0])[-1].mean(dim=(2, 3))
