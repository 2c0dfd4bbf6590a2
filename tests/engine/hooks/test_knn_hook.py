import json
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from infomin_plugin.engine import KNNHook

CLASSES = ('left', 'right')


class Labelled(list):
    """Two classes on either side of zero; features are the coordinates themselves."""

    def __init__(self, classes=CLASSES, flip=1, count=40):
        torch.manual_seed(0)
        self.metainfo = dict(classes=classes)
        for index in range(count):
            label = index % 2
            point = torch.randn(2) * 0.1 + torch.tensor([1.0, 0.0]) * flip * (2 * label - 1)
            self.append(dict(inputs=point, gt_label=label))


class Model(nn.Module):
    def data_preprocessor(self, batch):
        return dict(inputs=batch['inputs'])

    def forward(self, inputs, mode):
        assert mode == 'tensor' and not self.training
        return inputs


def run(tmp_path, hook, epoch=0, loaders=None, done=None):
    scalars = []
    return SimpleNamespace(
        model=Model().train(), work_dir=str(tmp_path), epoch=epoch, max_epochs=10,
        iter=5 * epoch if done is None else done,
        build_dataloader=lambda name: loaders[name], logger=SimpleNamespace(info=lambda text: None),
        visualizer=SimpleNamespace(add_scalars=lambda scores, step: scalars.append((step, scores))),
        message_hub=SimpleNamespace(update_scalar=lambda name, value: None), scalars=scalars)


@pytest.fixture
def loaders():
    return {name: DataLoader(data, batch_size=16) for name, data in dict(
        bank=Labelled(), same=Labelled(), mirrored=Labelled(flip=-1)).items()}


def curve(tmp_path):
    return json.loads((tmp_path / 'knn.json').read_text())


def test_measures_the_start_and_every_interval(tmp_path, loaders):
    hook = KNNHook('bank', dict(same='same', mirrored='mirrored'), k=5, interval=2)
    runner = run(tmp_path, hook, loaders=loaders)
    hook.before_train(runner)
    for runner.epoch in range(4):
        hook.after_train_epoch(runner)
    assert [point['epoch'] for point in curve(tmp_path)] == [0, 2, 4]
    assert all(point['same'] == 100 and point['mirrored'] == 0 for point in curve(tmp_path))
    assert runner.scalars[0] == (0, dict(knn_same=100.0, knn_mirrored=0.0))
    assert runner.model.training


def test_a_resumed_run_continues_its_curve(tmp_path, loaders):
    points = [dict(epoch=epoch, same=50.0) for epoch in range(4)]
    (tmp_path / 'knn.json').write_text(json.dumps(points))
    hook = KNNHook('bank', dict(same='same'), k=5)
    runner = run(tmp_path, hook, epoch=2, loaders=loaders)  # epoch 3 was lost with its checkpoint
    hook.before_train(runner)
    hook.after_train_epoch(runner)
    assert [point['epoch'] for point in curve(tmp_path)] == [0, 1, 2, 3]
    assert [point['same'] for point in curve(tmp_path)] == [50, 50, 50, 100]


def test_a_run_resumed_within_its_first_epoch_keeps_the_start(tmp_path, loaders):
    (tmp_path / 'knn.json').write_text(json.dumps([dict(epoch=0, same=25.0)]))
    hook = KNNHook('bank', dict(same='same'), k=5)
    runner = run(tmp_path, hook, loaders=loaders, done=3)
    hook.before_train(runner)
    hook.after_train_epoch(runner)
    assert [point['same'] for point in curve(tmp_path)] == [25, 100]


def test_refuses_queries_of_other_classes(tmp_path, loaders):
    loaders['other'] = DataLoader(Labelled(classes=('up', 'down')))
    hook = KNNHook('bank', dict(other='other'))
    with pytest.raises(ValueError, match=r"'other' have the classes \('up', 'down'\)"):
        hook.before_train(run(tmp_path, hook, loaders=loaders))


@pytest.mark.parametrize('settings, message', [
    (dict(k=0), 'k must be a whole number of 1 or more, got 0'),
    (dict(temperature=0), 'temperature must be a number above 0, got 0')])
def test_refuses_settings_as_it_is_built(settings, message):
    with pytest.raises(ValueError, match=message):
        KNNHook('bank', dict(same='same'), **settings)


def test_refuses_a_bank_before_anything_is_encoded(tmp_path, loaders):
    hook = KNNHook('bank', dict(same='same'), k=41)
    runner = run(tmp_path, hook, loaders=loaders)
    runner.model = None  # would be asked for features
    with pytest.raises(ValueError, match="KNNHook: k .* between 1 and the bank's 40 images"):
        hook.before_train(runner)
    loaders['bank'].dataset.metainfo = {}
    with pytest.raises(ValueError, match='the bank has no classes.*with_labels=True'):
        KNNHook('bank', dict(same='same')).before_train(runner)


class Foreign(nn.Module):
    """A model of another package: another preprocessor, other modes; only the trunk is known."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleList()  # an empty one hands on what it gets
        self.backbone.forward = lambda images: (images, )


def test_another_packages_model_is_measured_by_its_trunk(tmp_path):
    class Images(Labelled):
        def __init__(self, **options):
            super().__init__(**options)
            self[:] = [dict(inputs=dict(views=[(100 + 50 * item['inputs']).view(1, 1, 2)]),
                            gt_label=item['gt_label']) for item in self]

    loaders = dict(bank=DataLoader(Images(), batch_size=16), same=DataLoader(Images()))
    hook = KNNHook('bank', dict(same='same'), k=5, data_preprocessor=dict(
        type='infomin_plugin.ViewDataPreprocessor', mean=(100., 100.), std=(50., 50.)))
    runner = run(tmp_path, hook, loaders=loaders)
    runner.model = Foreign().train()
    hook.before_train(runner)
    assert curve(tmp_path) == [dict(epoch=0, same=100.0)]
    assert runner.model.backbone.training
