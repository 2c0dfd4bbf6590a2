import numpy as np
import pytest
from mmengine.config import Config

from infomin_plugin.datasets.cached_features import write_features
from infomin_plugin.engine.settings.class_folders import fill_num_classes
from infomin_plugin.registry import DATASETS


@pytest.fixture
def root(tmp_path):
    for name in ('cat', 'dog', 'eel'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '1.jpg').touch()
    return tmp_path


def config(root, num_classes=None, **dataset):
    data = dict(type='ImageFolder', data_root=str(root), pipeline=[dict(type='LoadImage')])
    return Config(dict(
        model=dict(classifiers=dict(num_classes=num_classes)),
        train_dataloader=dict(dataset=dataset or data | dict(with_labels=True))))


def test_counts_the_class_folders(root):
    cfg = config(root)
    fill_num_classes(cfg)
    assert cfg.model.classifiers.num_classes == 3


def test_finds_the_labelled_part_of_a_mixture(root):
    folder = dict(type='ImageFolder', data_root=str(root))
    cfg = config(root, type='ConcatDataset', datasets=[folder, folder | dict(with_labels=True)])
    fill_num_classes(cfg)
    assert cfg.model.classifiers.num_classes == 3


def test_a_number_in_the_config_stays(root):
    cfg = config(root, num_classes=7)
    fill_num_classes(cfg)
    assert cfg.model.classifiers.num_classes == 7


@pytest.mark.parametrize('model', [dict(), dict(classifiers=None), None])
def test_other_models_are_left_alone(model):
    cfg = Config(dict(model=model))
    fill_num_classes(cfg)
    assert cfg.model == model


def test_unlabelled_data_are_named(root):
    with pytest.raises(ValueError, match='no data set with_labels'):
        fill_num_classes(config(root, type='ImageFolder', data_root=str(root)))


def classifier(root, topk=(1, 5), **dataset):
    folder = dict(type='ImageFolder', with_labels=True, pipeline=[])
    return Config(dict(
        model=dict(head=dict(num_classes=None)),
        train_dataloader=dict(dataset=folder | dict(data_root=str(root)) | dataset),
        val_dataloader=dict(dataset=folder | dict(data_root=str(root.parent / 'val'))),
        val_evaluator=dict(type='mmcls.Accuracy', topk=topk), test_dataloader=None))


def test_validation_gets_the_classes_of_training(root):
    cfg = classifier(root)
    fill_num_classes(cfg)
    assert cfg.model.head.num_classes == 3
    assert cfg.val_dataloader.dataset.metainfo.classes == ['cat', 'dog', 'eel']
    assert cfg.val_evaluator.topk == (1, )  # of three classes five guesses are always right


def test_a_class_that_validation_lacks_moves_no_label(root, tmp_path_factory):
    val = tmp_path_factory.mktemp('val')
    (val / 'eel').mkdir()
    (val / 'eel' / '1.jpg').touch()
    cfg = classifier(root)
    cfg.val_dataloader.dataset.data_root = str(val)
    fill_num_classes(cfg)
    built = DATASETS.build(cfg.val_dataloader.dataset)
    assert built.get_data_info(0)['gt_label'] == 2
    (val / 'eel').rename(val / 'fox')
    with pytest.raises(ValueError, match=r"folders \['fox'\]"):
        DATASETS.build(cfg.val_dataloader.dataset)


def test_a_share_and_a_cache_are_labelled_without_saying_so(root, tmp_path_factory):
    cfg = classifier(root, type='LabelledShare', share=0.5)
    cfg.train_dataloader.dataset.pop('with_labels')
    fill_num_classes(cfg)
    assert cfg.model.head.num_classes == 3
    folder = tmp_path_factory.mktemp('cache') / 'train'
    write_features(folder, [(np.zeros((1, 2), np.float32), np.zeros(1, int), ['1.jpg'])],
                   dict(images=1, classes=['ant', 'bee']))
    cfg = classifier(root)
    cfg.train_dataloader.dataset = dict(type='CachedFeatures', data_root=str(folder))
    fill_num_classes(cfg)
    assert cfg.model.head.num_classes == 2
