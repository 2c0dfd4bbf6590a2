import pytest
from mmengine.config import Config

from infomin_plugin.engine.class_folders import fill_num_classes


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
