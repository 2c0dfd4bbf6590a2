"""Refuses cached features of another trunk."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from infomin_plugin.registry import HOOKS

from ..measures.feature_cache import fingerprint


@HOOKS.register_module()
class CachedTrunkHook(Hook):
    """Check, before anything is trained or tested, that caches are of the model's own trunk.

    The data sets are :class:`CachedFeatures`, or made of images, which pass.

    Raises:
        ValueError: If a cache was made by a trunk with other weights.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the images of training and validation."""
        self._check(runner, runner.train_dataloader)
        if runner.val_dataloader is not None:
            self._check(runner, runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Check the images of the test."""
        self._check(runner, runner.test_dataloader)

    @staticmethod
    def _check(runner: Runner, loader: DataLoader) -> None:
        made_by = loader.dataset.metainfo.get('trunk')
        if made_by is None:
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if made_by != fingerprint(model.backbone):
            origin = loader.dataset.metainfo.get('initialisation') or {}
            raise ValueError(
                f'{loader.dataset.folder} holds the features of another trunk than the model has; '
                f'they are of {origin}, the model starts from --pretrained '
                f'{runner.cfg.get("pretrained")}: give the checkpoint that the cache was made '
                'with, or make it anew with tools/analysis/cache_features.py')
