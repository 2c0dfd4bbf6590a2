import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.model import BaseModel
from PIL import Image
from tool_modules import load_tool

from infomin_plugin.checkpoints import CheckpointError
from infomin_plugin.engine.measures.read_out import read_out
from infomin_plugin.registry import MODELS, TRANSFORMS

TOOL = Path(__file__).parents[3] / 'tools' / 'analysis' / 'read_out.py'


@MODELS.register_module()
class MeanColor(BaseModel):
    """Features are the mean colour times weights, which a checkpoint brings."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.weights = torch.nn.Parameter(torch.ones(3))

    def forward(self, inputs, mode):
        assert mode == 'tensor' and not self.training
        return inputs['views'][0].mean(dim=(2, 3)) * self.weights


@pytest.fixture
def root(tmp_path):
    """Reddish and bluish images; those of ``swapped`` lie in each other's folders."""
    generator = np.random.default_rng(0)
    for split in ('train', 'test', 'swapped'):
        for name, channel in (('blue', 2), ('red', 0)):
            folder = tmp_path / 'set' / split / (
                name if split != 'swapped' else {'blue': 'red', 'red': 'blue'}[name])
            folder.mkdir(parents=True)
            for i in range(6):
                image = generator.integers(100, size=(12, 10, 3), dtype=np.uint8)
                image[..., channel] += 120
                Image.fromarray(image).save(folder / f'{i}.png')
    return tmp_path


def config(root, queries=('test', 'swapped'), **settings):
    def loader(split):
        return dict(
            batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
            dataset=dict(type='ImageFolder', data_root=f'{root}/set/{split}', with_labels=True,
                         pipeline=[
                             dict(type='LoadImage'),
                             dict(type='MultiView', views=dict(
                                 num=1, recipe=[dict(type='CenterCrop', size=8)])),
                             dict(type='PackViews', meta_keys=('gt_label', ))]))
    return Config(dict(
        default_scope='infomin_plugin',
        model=dict(type='MeanColor', data_preprocessor=dict(
            type='ViewDataPreprocessor', mean=(0., 0., 0.), std=(255., 255., 255.))),
        read_out=dict(bank=loader('train'), queries={name: loader(name) for name in queries},
                      **settings)))


def checkpoint(root, weights=(1., 1., 1.), name='weights'):
    path = root / 'checkpoint.pth'
    torch.save(dict(state_dict={name: torch.tensor(weights)}), path)
    return path


def test_a_label_that_features_hold_is_read_out(root):
    assert read_out(config(root), checkpoint(root)) == dict(test=100.0, swapped=0.0)


def test_the_features_are_those_of_the_checkpoint(root):
    scores = read_out(config(root), checkpoint(root, weights=(0., 1., 0.)))
    assert scores['test'] < 90  # green tells nothing


def test_a_set_may_lack_what_is_optional(root):
    queries = ('test', 'test_unseen')
    scores = read_out(config(root, queries, optional=['test_unseen']), checkpoint(root))
    assert scores == dict(test=100.0)
    with pytest.raises(FileNotFoundError, match='test_unseen'):
        read_out(config(root, queries), checkpoint(root))


def test_several_labels_of_the_same_images(root):
    cfg = config(root)
    cfg.read_out.labels = dict(color='gt_label', place='place')
    for loader in (cfg.read_out.bank, *cfg.read_out.queries.values()):
        loader.dataset.pipeline[2:] = [
            dict(type='AddPlace'), dict(type='PackViews', meta_keys=('gt_label', 'place'))]
    scores = read_out(cfg, checkpoint(root))
    assert scores['color test'] == 100.0 and scores['color swapped'] == 0.0
    # a linear function of the features: half a unit lies between the colours
    assert scores['place test error'] < 0.05 and scores['place swapped error'] < 0.05


@TRANSFORMS.register_module()
class AddPlace(BaseTransform):
    """A place that the mean colour tells: twice its red, and one more than its green."""

    def transform(self, results):
        color = results['views'][0].mean(axis=(0, 1)) / 255
        return {**results, 'place': np.float32([2 * color[0], color[1] + 1])}


def test_several_tasks_with_images_of_their_own(root):
    cfg = config(root)
    both = Config(dict(default_scope='infomin_plugin', model=cfg.model, read_out=dict(
        right=dict(bank=cfg.read_out.bank, queries=dict(test=cfg.read_out.queries.test)),
        wrong=dict(bank=cfg.read_out.bank, queries=dict(test=cfg.read_out.queries.swapped)))))
    assert read_out(both, checkpoint(root)) == {'right test': 100.0, 'wrong test': 0.0}


def test_test_images_of_other_classes_are_refused(root):
    (root / 'set' / 'swapped' / 'red').rename(root / 'set' / 'swapped' / 'green')
    with pytest.raises(ValueError, match=r"swapped has the classes \('blue', 'green'\)"):
        read_out(config(root), checkpoint(root))


def test_checkpoints_of_other_models_are_refused(root):
    with pytest.raises(CheckpointError, match='is of another model than'):
        read_out(config(root), checkpoint(root, name='other'))
    cfg = config(root)
    cfg.pop('read_out')
    with pytest.raises(ValueError, match='no read_out'):
        read_out(cfg, checkpoint(root))


@pytest.mark.parametrize('settings, message', [
    (dict(methods=['knn'], knn=dict(k=0)), 'read_out.knn.k must be .* 1 or more, got 0'),
    (dict(methods=['knn'], knn=dict(k=13)), "read_out.knn.k .* the bank's 12 images, got 13"),
    (dict(methods=['knn']), "read_out.knn.k .* the bank's 12 images, got 20"),
    (dict(knn=dict(temperature=-1)), 'read_out.knn.temperature must be .* above 0, got -1'),
    (dict(knn=dict(kk=2)), 'read_out.knn has no kk: its keys are k, temperature'),
    (dict(knn=5), 'read_out.knn must be a dict of k, temperature, got 5'),
    (dict(inverse_penalty=[0.1, 0]), r'read_out.inverse_penalty must be above 0.*\[0.1, 0\]'),
    (dict(inverse_penalty='strong'), "read_out.inverse_penalty must be above 0.*'strong'"),
    (dict(inverse_penality=1), 'read_out has no inverse_penality: its keys are bank'),
    (dict(methods='knn'), "read_out.methods must be a list of 'linear' and 'knn', got 'knn'"),
    (dict(methods=[]), 'read_out.methods must be a list'),
    (dict(labels=['gt_label']), r"read_out.labels must be a dict by name, got \['gt_label'\]"),
])
def test_settings_are_refused_before_the_model_is_built(settings, message, root):
    cfg = config(root, **settings)
    cfg.model = dict(type='NoSuchModel')
    with pytest.raises(ValueError, match=message):
        read_out(cfg, checkpoint(root))


def test_a_task_of_several_is_named_in_a_refusal(root):
    cfg = config(root, methods=['knn'], knn=dict(k=0))
    cfg.read_out = dict(right=cfg.read_out)
    with pytest.raises(ValueError, match='read_out.right.knn.k must be'):
        read_out(cfg, checkpoint(root))
    cfg.read_out.right.pop('bank')
    with pytest.raises(ValueError, match='read_out.right has no bank: it needs bank and queries'):
        read_out(cfg, checkpoint(root))


def test_sets_without_labels_are_refused(root):
    cfg = config(root)
    cfg.read_out.bank.dataset.with_labels = False
    with pytest.raises(ValueError, match='read_out.bank has no classes: .*with_labels=True'):
        read_out(cfg, checkpoint(root))
    cfg = config(root, labels=dict(place='place'))
    with pytest.raises(ValueError, match='batches have no place: meta_keys of PackViews'):
        read_out(cfg, checkpoint(root))


@pytest.fixture
def tool():
    return load_tool(TOOL)


@pytest.fixture
def config_file(root):
    config(root).dump(root / 'config.py')
    return root / 'config.py'


@pytest.mark.parametrize('place', ['folder', 'file/scores.json'])
def test_the_tool_refuses_a_file_that_cannot_be_written_first(place, root, tool, config_file):
    (root / 'folder').mkdir()
    (root / 'file').touch()
    with pytest.raises(SystemExit, match=f'^error: --out .*{place} cannot be written: '):
        tool.main([str(config_file), str(root / 'no.pth'), '--out', str(root / place)])


def test_the_tool_ends_with_the_refusal_alone(root, tool, config_file):
    with pytest.raises(SystemExit, match='^error: read_out.knn has no kk'):
        tool.main([str(config_file), str(root / 'no.pth'), '--cfg-options', 'read_out.knn.kk=2'])


def test_the_tool_leaves_an_older_file_where_it_cannot_write_a_new_one(
        root, tool, config_file, monkeypatch):
    out = root / 'scores.json'
    out.write_text('older')

    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(SystemExit, match='^error: .*No space left'):
        tool.main([str(config_file), str(checkpoint(root)), '--out', str(out)])
    assert out.read_text() == 'older' and not list(root.glob('.scores*'))


def test_the_tool_names_what_is_missing(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("model = dict(type='InfoMin')")
    result = subprocess.run([sys.executable, str(TOOL), str(path), 'none.pth', '--out',
                             str(tmp_path / 'out.json')], capture_output=True, text=True)
    assert result.returncode == 1 and not (tmp_path / 'out.json').exists()
    assert f'error: {path} has no read_out' in result.stderr and 'Traceback' not in result.stderr
