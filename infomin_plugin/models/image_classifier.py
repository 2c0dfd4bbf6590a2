"""mmcls's image classifier on this project's batches, and on features that were cached."""

from mmcls.models.classifiers import ImageClassifier
from mmcls.structures import ClsDataSample
from torch import Tensor

from infomin_plugin.registry import MODELS

from .data_preprocessor import ViewDataPreprocessor

LABEL = 'gt_label'


@MODELS.register_module()
class ClassifierDataPreprocessor(ViewDataPreprocessor):
    """Turn batches of ``PackViews``, or of ``CachedFeatures``, into what mmcls's classifiers take.

    The first view is the image. Labels stay one tensor on the device, of which each sample gets a
    slice.

    Args:
        **kwargs: Of :class:`ViewDataPreprocessor`, all but ``keep``.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(keep=(LABEL, ), **kwargs)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data (dict): ``inputs``, as :class:`ViewDataPreprocessor` takes them, or N×F features;
                ``gt_label``, N class indices, int64, which may be absent where nothing is learned.
            training (bool): Whether to apply ``recipes``. Defaults to False.

        Returns:
            dict: ``inputs``, float32: N×3×H×W, or the N×F features as they are; ``data_samples``,
            N ``ClsDataSample`` with their ``gt_label``, or None without labels.

        Raises:
            KeyError: If ``gt_label`` is missing in training.
        """
        if isinstance(data['inputs'], Tensor):
            batch = self.cast_data({key: data[key] for key in ('inputs', LABEL)})
        else:
            batch = super().forward(data, training)
            batch['inputs'] = batch['inputs']['views'][0]
        samples = None
        if LABEL in batch:
            samples = [ClsDataSample().set_gt_label(label) for label in batch[LABEL].split(1)]
        return dict(inputs=batch['inputs'], data_samples=samples)


@MODELS.register_module()
class CachedClassifier(ImageClassifier):
    """A classifier whose frozen trunk need not run: it takes images, or the features of images.

    The trunk stays in the model, so that ``pretrained``, checkpoints and tests on images are those
    of ``mmcls.ImageClassifier``.
    """

    def extract_feat(self, inputs: Tensor, stage: str = 'neck') -> tuple[Tensor, ...] | Tensor:
        """Compute features, unless they are given.

        Args:
            inputs (Tensor): N×3×H×W images, or N×F features, those of the stage 'neck'.
            stage (str): See mmcls. Defaults to 'neck'.

        Returns:
            tuple[Tensor, ...] | Tensor: See mmcls; of N×F features the only entry is they.

        Raises:
            ValueError: If features are given and another stage is asked for.
        """
        if inputs.ndim != 2:
            return super().extract_feat(inputs, stage)
        if stage != 'neck':
            raise ValueError(f"cached features are those of the stage 'neck', got {stage!r}")
        return (inputs, )
