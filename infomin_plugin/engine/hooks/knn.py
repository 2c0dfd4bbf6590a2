"""kNN accuracy of the trunk's features during pre-training."""

import json
from pathlib import Path

from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from infomin_plugin.checkpoints.files import writing_aside
from infomin_plugin.evaluation.knn import check_knn, knn_accuracy
from infomin_plugin.models.trunk_features import TrunkFeatures
from infomin_plugin.registry import HOOKS

from ..faults.setup_error import setting_up
from ..measures.trained import extract_features


@HOOKS.register_module()
class KNNHook(Hook):
    """Classify labelled images by their nearest neighbours in the trunk's features.

    Measures the trunk as it starts (epoch 0) and after every ``interval`` epochs. The curve is
    logged, written to ``knn.json`` in the work directory and continued after a resume.

    Args:
        bank (dict): Data loader of labelled images whose classes vote; the data set is an
            :class:`ImageFolder` with ``with_labels=True``.
        queries (dict[str, dict]): Data loaders of the images to classify, by name.
        k (int): Neighbours that vote, at most the bank's images. Defaults to 20.
        temperature (float): Above 0, see :func:`knn_predict`. Defaults to 0.07.
        interval (int): Epochs between two measurements. Defaults to 1.
        data_preprocessor (dict, optional): For models of other packages, whose features are then
            those of their ``backbone``: the preprocessor of the labelled images. Defaults to None:
            features are those of the model's ``tensor`` mode.

    Raises:
        ValueError: If ``k`` or ``temperature`` is out of range.
        SetupError: Before training, if a folder is missing, the bank has less than ``k`` images, or
            a query set has other classes than the bank.
    """

    def __init__(self,
                 bank: dict,
                 queries: dict[str, dict],
                 k: int = 20,
                 temperature: float = 0.07,
                 interval: int = 1,
                 data_preprocessor: dict | None = None) -> None:
        check_knn(k, temperature)
        self.bank = bank
        self.queries = queries
        self.k = k
        self.temperature = temperature
        self.interval = interval
        self.data_preprocessor = data_preprocessor
        self.curve: list[dict] = []

    def before_train(self, runner: Runner) -> None:
        """Build the loaders, so that what does not fit is found now, and measure the start."""
        with setting_up():
            self._build_loaders(runner)
        path = self._path(runner)
        self.curve = []
        if runner.iter == 0:
            self._measure(runner, epoch=0)
        elif path.is_file():
            self.curve = [p for p in json.loads(path.read_text()) if p['epoch'] <= runner.epoch]

    def _build_loaders(self, runner: Runner) -> None:
        self.bank_loader = runner.build_dataloader(self.bank)
        check_knn(self.k, self.temperature, len(self.bank_loader.dataset), 'KNNHook: ')
        classes = self.bank_loader.dataset.metainfo.get('classes')
        if classes is None:
            raise ValueError('KNNHook: the bank has no classes: an ImageFolder needs '
                             'with_labels=True')
        self.query_loaders = {}
        for name, loader in self.queries.items():
            self.query_loaders[name] = runner.build_dataloader(loader)
            found = self.query_loaders[name].dataset.metainfo.get('classes')
            if found != classes:
                raise ValueError(f'kNN queries {name!r} have the classes {found}, the bank has '
                                 f'{classes}: both need the same class folders')

    def after_train_epoch(self, runner: Runner) -> None:
        """Measure every ``interval`` epochs and after the last."""
        if self.every_n_epochs(runner, self.interval) or self.is_last_train_epoch(runner):
            self._measure(runner, epoch=runner.epoch + 1)

    def _measure(self, runner: Runner, epoch: int) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if self.data_preprocessor is not None:
            model = TrunkFeatures(model.backbone, self.data_preprocessor)
        bank, labels = extract_features(model, self.bank_loader)
        point = dict(epoch=epoch)
        for name, loader in self.query_loaders.items():
            queries, truth = extract_features(model, loader)
            if not is_main_process():
                continue
            point[name] = knn_accuracy(queries, truth, bank, labels, self.k, self.temperature,
                                       get_device())
            runner.message_hub.update_scalar(f'val/knn_{name}', point[name])
        if not is_main_process():
            return
        self.curve.append(point)
        scores = {f'knn_{name}': point[name] for name in self.query_loaders}
        runner.logger.info(f'kNN (k={self.k}) after {epoch} epochs: ' + ', '.join(
            f'{name} {score:.1f}%' for name, score in scores.items()))
        runner.visualizer.add_scalars(scores, step=epoch)
        with writing_aside(self._path(runner)) as file:
            file.write(json.dumps(self.curve, indent=1).encode())

    @staticmethod
    def _path(runner: Runner) -> Path:
        return Path(runner.work_dir) / 'knn.json'
