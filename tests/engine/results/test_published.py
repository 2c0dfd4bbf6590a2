"""Metafiles hold the published results, once, and point to what is there.

The figures themselves: test_published_figures.py.
"""

import json
import re
from pathlib import Path

import modelindex
import pytest
import yaml
from mmengine.config import Config
from work_dir_files import detection_config, initialisation, write_start

from infomin_plugin.engine.results.markdown import render
from infomin_plugin.engine.results.measurements import read_measurements
from infomin_plugin.engine.results.published import read_published
from infomin_plugin.engine.results.tables import by_task

ROOT = Path(__file__).parents[3]
FILES = sorted(ROOT.glob('configs/**/metafile.yml'))


@pytest.fixture(scope='module')
def published():
    return read_published(ROOT)


def test_the_index_names_every_metafile():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert sorted(ROOT / name for name in index['Import']) == FILES


def test_openmmlabs_reader_takes_them(capsys):
    modelindex.load(str(ROOT / 'model-index.yml')).check()
    assert 'All good' in capsys.readouterr().out


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.parent.name)
def test_metafiles_point_to_what_is_there(file):
    text = file.read_text()
    assert 'Weights' not in text  # none can be downloaded
    content = yaml.safe_load(text)
    collections = {collection['Name'] for collection in content['Collections']}
    for name in re.findall(r'Config: (.+)', text):
        assert (ROOT / name).is_file(), name
    for model in content['Models']:
        assert model['In Collection'] in collections
        if file.parent.parent.name == 'pretrain':
            cfg = Config.fromfile(ROOT / model['Config'])
            assert (cfg.method, cfg.train_cfg.max_epochs) == (
                model['In Collection'], model['Metadata']['Epochs'])


def test_metafiles_name_every_pretraining():
    models = [model for file in FILES if file.parent.parent.name == 'pretrain'
              for model in yaml.safe_load(file.read_text())['Models']]
    assert sorted(ROOT / model['Config'] for model in models) == sorted(
        ROOT.glob('configs/pretrain/*/*.py'))
    assert all(model['Name'] == Path(model['Config']).stem for model in models)


def write_coco_1x(work_dir, start, seed=0, num_classes=80):
    """Mask R-CNN R50-FPN, 1x, with a result."""
    config = detection_config(
        'coco', start, seed, root='data/coco', model__backbone__depth=50,
        model__backbone__base_channels=64, model__roi_head__bbox_head__num_classes=num_classes)
    config.train_cfg = dict(type='IterBasedTrainLoop', max_iters=90000, val_interval=5000)
    for loader in ('val', 'test'):
        config[f'{loader}_dataloader'].dataset.ann_file = 'annotations/instances_val2017.json'
    write_start(work_dir, config, '20260101_000000', lines=[
        dict(loss=1.0, iter=90000), {'coco/bbox_mAP': 0.41, 'coco/segm_mAP': 0.37, 'step': 0}])


def test_published_values_stand_beside_measured_ones(published, tmp_path):
    write_coco_1x(tmp_path / 'coco', initialisation('InfoMin', 200))
    # somebody's own set, of the same names
    write_coco_1x(tmp_path / 'own' / 'coco', initialisation('InfoMin', 200), num_classes=3)

    tables, _ = by_task(read_measurements([tmp_path / 'coco'])[0], published)
    text = render([table for _, table in tables], [], 'command')
    assert '| pre-training | box AP | mask AP | published box AP / mask AP | seeds |' in text
    assert '| InfoMin, 200 epochs | 41.0 | 37.0 | 40.6 / 36.7 | 0 of pre-training 0 |' not in text
    assert '| InfoMin, 200 epochs | 41.0 | 37.0 | 40.6 / 36.7 | 0 |' in text
    assert '| MoCo, 200 epochs | – | – | 39.4 / 35.6 | – |' in text
    assert text.index('| random |') < text.index('| supervised |') < text.index('| InstDis')
    assert 'Not measured: random; supervised; InstDis' in text
    assert 'MoCo v2' not in text  # published for 2x alone

    assert 'pre-trained on' not in text

    tables, _ = by_task(read_measurements([tmp_path / 'own'])[0], published)
    assert tables[0][1].published is None


@pytest.mark.parametrize('images, noted', [(1281167, False), (8000, True)])
def test_a_trunk_of_other_images_is_told_apart(published, tmp_path, images, noted):
    start = initialisation('InfoMin', 200) | dict(images=images, batch=256, overridden='')
    write_coco_1x(tmp_path / 'coco', start)
    tables, _ = by_task(read_measurements([tmp_path])[0], published)
    text = render([table for _, table in tables], [], 'command')
    assert '| InfoMin, 200 epochs | 41.0 | 37.0 | 40.6 / 36.7 | 0 |' in text
    assert ('InfoMin, 200 epochs: pre-trained on 8,000 images, the published one on the '
            '1,281,167 of ImageNet-1k.' in text) == noted


def test_seeds_of_pretrainings_that_differ_are_two_rows(published, tmp_path):
    for seed, overridden in enumerate(('', 'model.head.temperature=0.5')):
        start = initialisation('InfoMin', 200, seed=seed) | dict(
            images=1281167, batch=256, overridden=overridden)
        write_coco_1x(tmp_path / f'{seed}' / 'coco', start, seed)
    tables, _ = by_task(read_measurements([tmp_path])[0], published)
    text = render([table for _, table in tables], [], 'command')
    assert '| InfoMin, 200 epochs [1] | 41.0 | 37.0 | – | 1 |' in text
    assert '`initialisation.overridden` model.head.temperature=0.5' in text


def test_old_and_new_seeds_of_a_row_that_is_not_published(published, tmp_path):
    start = initialisation('MoCo v2', 200)
    write_coco_1x(tmp_path / 'old' / 'coco', start)
    write_coco_1x(tmp_path / 'new' / 'coco', start | dict(images=8000, seed=1), 1)
    table = by_task(read_measurements([tmp_path])[0], published)[0][0][1]
    assert {label.split(' [')[0] for label, cells in table.rows.items() if cells} == {
        'MoCo v2, 200 epochs'}


def test_a_wrong_metafile_is_named(tmp_path):
    (tmp_path / 'model-index.yml').write_text('Import:\n  - metafile.yml\n')
    (tmp_path / 'metafile.yml').write_text(json.dumps(dict(Models=[{
        'Name': 'mine', 'In Collection': 'InfoMin', 'Metadata': {}, 'Results': [{}],
        'Config': str(ROOT / 'configs/demo/faster-rcnn_r18_fpn_voc-form.py')}])))
    with pytest.raises(ValueError, match=r'metafile\.yml: mine: .*Metrics'):
        read_published(tmp_path)
