"""Every config of the project takes a step on the CPU through tools/train.py, at reduced size."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from infomin_plugin.checkpoints import read_file

ROOT = Path(__file__).parents[2]
TWO_VIEW_PRETRAIN = sorted(p.relative_to(ROOT) for p in [
    *ROOT.glob('configs/pretrain/cmcv2*.py'), *ROOT.glob('configs/pretrain/learned*.py')])
PRETRAIN = sorted(
    {p.relative_to(ROOT) for p in ROOT.glob('configs/pretrain/*.py')} - set(TWO_VIEW_PRETRAIN))
DEMO_PRETRAIN = sorted(
    p.relative_to(ROOT) for p in ROOT.glob('configs/demo/*.py') if '-form' not in p.name)
DETECTION = sorted(
    p.relative_to(ROOT) for p in [*ROOT.glob('configs/detection/*.py'),
                                  *ROOT.glob('configs/demo/*-form.py')])
TIMEOUT = 180


def train(config, work_dir, *arguments, fails=False):
    """Run the tool and return what it printed."""
    result = subprocess.run(
        [sys.executable, 'tools/train.py', str(config), '--work-dir', str(work_dir), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
        env={'OMP_NUM_THREADS': '1', 'PATH': str(Path(sys.executable).parent)})
    output = result.stdout + result.stderr
    assert (result.returncode != 0) == fails, output[-4000:]
    return output


def write_images(folder, count, size=(48, 40), seed=0):
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image = generator.integers(256, size=(*size[::-1], 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f'{index:03}.jpg'), image)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """A plain tree of images, some of them in sub-folders."""
    root = tmp_path_factory.mktemp('images')
    write_images(root / 'one', 3, seed=1)
    write_images(root / 'two' / 'deep', 3, seed=2)
    return root


@pytest.fixture(scope='module')
def mini(tmp_path_factory):
    """A mini set in all its forms; its small scenes are enlarged by the configs."""
    from infomin_plugin.datasets.mini import make_mini
    root = tmp_path_factory.mktemp('data') / 'mini'
    make_mini(root, objects=12, pretrain=2, classify_train=20, classify_test=10, trainval=24,
              test=4)
    (root / 'classify' / 'test_unseen').symlink_to('test')
    return root


def last_logged(work_dir):
    lines = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    return [json.loads(line) for line in lines]


TINY_PRETRAIN = [
    'train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False', 'model.queue.length=64',
    'train_cfg.max_epochs=1', 'default_hooks.logger.interval=1',
    'train_dataloader.dataset.pipeline.1.views.recipe.0.size=32'
]
TINY_JIGSAW = ['train_dataloader.dataset.pipeline.1.patches.recipe.0.size=60',
               'train_dataloader.dataset.pipeline.1.patches.recipe.2.cell=20',
               'train_dataloader.dataset.pipeline.1.patches.recipe.2.patch=16']


@pytest.mark.parametrize('config', PRETRAIN, ids=lambda path: path.stem)
def test_pretraining_on_any_tree_of_images(config, images, tmp_path):
    jigsaw = TINY_JIGSAW if 'infomin' in config.stem else []
    train(config, tmp_path, '--cfg-options', f'data_root={images}', *TINY_PRETRAIN, *jigsaw)
    logged = last_logged(tmp_path)
    expected = {'lr', 'loss', 'loss_view', 'acc_view'}
    expected |= {'loss_jigsaw', 'acc_jigsaw'} if jigsaw else set()
    assert len(logged) == 3 and all(expected <= set(line) for line in logged)
    saved = read_file(tmp_path / 'epoch_1.pth')['state_dict']
    assert saved['queue.position'] == 6


@pytest.mark.parametrize('config', TWO_VIEW_PRETRAIN, ids=lambda path: path.stem)
def test_pretraining_on_two_frozen_views(config, images, tmp_path):
    options = [option.replace('model.queue.length', 'model.memory.length')
               for option in TINY_PRETRAIN]
    train(config, tmp_path, '--cfg-options', f'data_root={images}', *options,
          *(['model.generator.init_cfg=None'] if 'learned' in config.stem else []))
    logged = last_logged(tmp_path)
    assert len(logged) == 3
    assert all({'lr', 'loss', 'acc_contrast', 'i_nce'} <= set(line) for line in logged)
    saved = read_file(tmp_path / 'epoch_1.pth')['state_dict']
    assert saved['memories.0.position'] == saved['memories.1.position'] == 6


@pytest.mark.parametrize('config', [path for path in PRETRAIN if '200e' in path.stem],
                         ids=lambda path: path.stem)
def test_pretraining_with_photometry_on_the_device(config, images, tmp_path):
    jigsaw = TINY_JIGSAW if 'infomin' in config.stem else []
    train(config, tmp_path, '--cfg-options', f'data_root={images}', 'photometry=device',
          *TINY_PRETRAIN, *jigsaw)
    assert len(last_logged(tmp_path)) == 3
    dumped = Config.fromfile(tmp_path / config.name)
    assert len(dumped.model.data_preprocessor.recipes.views) == 2
    steps = dumped.train_dataloader.dataset.pipeline[1].views.recipe
    assert [step.type for step in steps] == ['RandomResizedCrop', 'RandomFlip']


@pytest.mark.parametrize('config', DEMO_PRETRAIN, ids=lambda path: path.stem)
def test_demo_pretraining(config, images, mini, tmp_path):
    benchmark = config.stem != 'infomin_r18_images'  # the others measure a kNN curve
    options = ['custom_hooks.0.k=5'] if benchmark else []
    train(config, tmp_path, '--cfg-options', f'data_root={mini if benchmark else images}',
          'train_dataloader.batch_size=6', 'train_dataloader.num_workers=0',
          'train_dataloader.persistent_workers=False', 'train_cfg.max_epochs=1', *options)
    assert (tmp_path / 'epoch_1.pth').is_file()
    if benchmark:
        curve = json.loads((tmp_path / 'knn.json').read_text())
        assert [point['epoch'] for point in curve] == [0, 1]
        assert all(0 <= point['test'] <= 100 for point in curve)


def as_standard_set(mini, root, config):
    """Lay the mini scenes out as VOC07+12 or COCO 2017, with classes of theirs."""
    voc = mini / 'VOCdevkit' / 'VOC2007'
    if 'voc0712' in config.stem:
        for year in ('VOC2007', 'VOC2012'):
            (root / year / 'Annotations').mkdir(parents=True)
            (root / year / 'JPEGImages').symlink_to(voc / 'JPEGImages')
            (root / year / 'ImageSets').symlink_to(voc / 'ImageSets')
            for path in voc.glob('Annotations/*.xml'):
                text = path.read_text()
                for name in CLASSES:
                    text = text.replace(f'<name>{name}</name>', '<name>person</name>')
                (root / year / 'Annotations' / path.name).write_text(text)
        return
    from mmdet.datasets import CocoDataset
    (root / 'annotations').mkdir(parents=True)
    for ours, theirs in (('trainval', 'train2017'), ('test', 'val2017')):
        (root / theirs).symlink_to(voc / 'JPEGImages')
        file = json.loads((mini / 'coco' / 'annotations' / f'instances_{ours}.json').read_text())
        file['categories'] = [dict(id=index + 1, name=name)
                              for index, name in enumerate(CocoDataset.METAINFO['classes'])]
        (root / 'annotations' / f'instances_{theirs}.json').write_text(json.dumps(file))


CLASSES = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine')


def tiny_detection(config):
    """Options that shrink a detection config to one small step and one validation."""
    small = ['train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
             'train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0',
             'val_dataloader.persistent_workers=False', 'custom_hooks.0.num_iters=1',
             'default_hooks.logger.interval=1',
             'model.test_cfg.rcnn.score_thr=0.0']  # untrained scores are low
    if config.parent.name == 'demo':
        return [*small, 'train_cfg.max_epochs=1', 'train_cfg.val_interval=1']
    size = '"[(96,72)]"'.strip('"')
    pipeline = ('train_dataloader.dataset.datasets.{}.pipeline' if 'voc0712' in config.stem
                else 'train_dataloader.dataset.pipeline')
    scales = [f'{pipeline.format(index)}.2.scales={size}' for index in (0, 1)]
    scales = scales if 'voc0712' in config.stem else scales[:1]
    by_iteration = 'coco-form' not in config.stem
    length = (['train_cfg.max_iters=1', 'train_cfg.val_interval=1'] if by_iteration else
              ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1'])
    return [*small, *scales, 'val_dataloader.dataset.pipeline.1.scale=(96,72)', *length,
            'model.train_cfg.rpn_proposal.max_per_img=20', 'model.test_cfg.rpn.max_per_img=20']


@pytest.mark.parametrize('config', DETECTION, ids=lambda path: path.stem)
def test_detection(config, mini, tmp_path):
    root = mini
    if '-form' not in config.stem:
        root = tmp_path / 'data'
        as_standard_set(mini, root, config)
    output = train(config, tmp_path / 'work', '--cfg-options', f'data_root={root}',
                   *tiny_detection(config))
    logged = last_logged(tmp_path / 'work')
    assert any(line.get('loss', 0) > 0 for line in logged), output[-3000:]
    names = ({'pascal_voc/mAP', 'pascal_voc/AP50', 'pascal_voc/AP75'} if 'voc' in config.stem
             else {'coco/bbox_mAP', 'coco/segm_mAP'})
    assert any(names <= set(line) for line in logged), output[-3000:]


@pytest.mark.parametrize('options, words', [
    (['data_root=nowhere'], "nowhere"),
    (['model.queue.length=1'], 'queue of length 1 is smaller than the batch of 2 keys'),
    (['train_dataloader.batch_size=60', 'model.queue.length=99'], 'no full batch'),
])
def test_bad_settings_end_early_with_a_reason(images, tmp_path, options, words):
    output = train('configs/demo/infomin_r18_images.py', tmp_path, '--cfg-options',
                   f'data_root={images}', 'train_dataloader.batch_size=2',
                   'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False',
                   *options, fails=True)
    assert words in output and 'Epoch(train)' not in output


def test_an_option_without_a_value_is_named(images, tmp_path):
    output = train('configs/demo/infomin_r18_images.py', tmp_path, '--cfg-options', 'data_root',
                   fails=True)
    assert "'data_root' has no" in output


def test_resume_goes_on_and_refuses_another_queue(images, tmp_path):
    config = 'configs/demo/infomin_r18_images.py'
    options = ['--cfg-options', f'data_root={images}', 'train_dataloader.batch_size=2',
               'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False',
               'model.queue.length=16', 'default_hooks.checkpoint.interval=1']
    train(config, tmp_path, *options, 'train_cfg.max_epochs=1')
    output = train(config, tmp_path, '--resume', *options, 'train_cfg.max_epochs=2')
    assert 'Epoch(train) [2]' in output and 'Epoch(train) [1]' not in output
    saved = read_file(tmp_path / 'epoch_2.pth')['state_dict']
    assert saved['queue.position'] == 12  # 2 epochs of 3 batches of 2
    output = train(config, tmp_path, '--resume', *options, 'train_cfg.max_epochs=3',
                   'model.queue.length=32', fails=True)
    assert 'queue.keys is (16, 64) in the checkpoint, (32, 64) in the config' in output


def test_three_commands_from_images_to_a_detector(images, mini, tmp_path):
    """Pre-train on plain images, export, fine-tune: the README's own chain."""
    train('configs/demo/infomin_r18_images.py', tmp_path / 'pre', '--cfg-options',
          f'data_root={images}', 'train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
          'train_dataloader.persistent_workers=False', 'train_cfg.max_epochs=1')
    subprocess.run([sys.executable, 'tools/export_backbone.py', str(tmp_path / 'pre/epoch_1.pth'),
                    str(tmp_path / 'backbone.pth')], cwd=ROOT, check=True, timeout=TIMEOUT)
    config = Path('configs/demo/mask-rcnn_r18_fpn_coco-form.py')
    output = train(config, tmp_path / 'fine', '--pretrained', str(tmp_path / 'backbone.pth'),
                   '--cfg-options', f'data_root={mini}', *tiny_detection(config))
    assert '0 missing / 0 unexpected / 0 shape-mismatched' in output


def test_from_learned_views_to_a_detector(mini, tmp_path):
    """Learn views, contrast them, export both trunks behind their generator, fine-tune on RGB."""
    small = ['--cfg-options', 'data_root=' + str(mini), 'train_dataloader.batch_size=4',
             'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False',
             'train_cfg.max_iters=2', 'default_hooks.logger.interval=1',
             # the scenes' objects are smaller than the configs' crops
             'train_dataloader.dataset.pipeline.1.views.recipe.0.size=16']
    train('configs/view_learning/unsupervised_ydbdr_nvp_cutouts.py', tmp_path / 'learn', *small)
    learned = tmp_path / 'learn/iter_2.pth'
    train('configs/view_learning/contrast_ydbdr_nvp_cutouts.py', tmp_path / 'contrast', *small,
          f'model.generator.init_cfg.checkpoint={learned}')
    contrast = tmp_path / 'contrast/iter_2.pth'
    output = subprocess.run(
        [sys.executable, 'tools/export_backbone.py', str(contrast), str(tmp_path / 'backbone.pth')],
        cwd=ROOT, check=True, timeout=TIMEOUT, capture_output=True, text=True).stdout
    assert "two-view resnet18_base16 behind {'type': 'FlowGenerator', 'in_space': 'YDbDr'" in output
    config = Path('configs/demo/mask-rcnn_two-view-r18_fpn_coco-form.py')
    output = train(config, tmp_path / 'fine', '--pretrained', str(tmp_path / 'backbone.pth'),
                   '--cfg-options', f'data_root={mini}', *tiny_detection(config))
    assert '0 missing / 0 unexpected / 0 shape-mismatched' in output
    kept, found = (read_file(path)['state_dict'] for path in (
        learned, tmp_path / 'fine/epoch_1.pth'))
    flow = [key for key in kept if key.startswith('generator.')]
    assert flow and all(kept[key].equal(found[f'backbone.{key}']) for key in flow)

    # the dumped config knows the generator
    dumped = tmp_path / 'fine' / config.name
    subprocess.run([sys.executable, 'tools/test.py', str(dumped),
                    str(tmp_path / 'fine/epoch_1.pth'), '--work-dir', str(tmp_path / 'test')],
                   cwd=ROOT, check=True, timeout=TIMEOUT)


def test_the_test_tool_repeats_the_validation_and_draws(mini, tmp_path):
    config = Path('configs/demo/mask-rcnn_r18_fpn_coco-form.py')
    options = ['--cfg-options', f'data_root={mini}', *tiny_detection(config)]
    train(config, tmp_path / 'work', *options)
    validated = next(line for line in last_logged(tmp_path / 'work') if 'coco/bbox_mAP' in line)
    subprocess.run([sys.executable, 'tools/test.py', str(config),
                    str(tmp_path / 'work/epoch_1.pth'), '--work-dir', str(tmp_path / 'test'),
                    '--show-dir', str(tmp_path / 'shown'), *options],
                   cwd=ROOT, check=True, timeout=TIMEOUT)
    tested = json.loads(next((tmp_path / 'test').glob('*/*.json')).read_text())
    for name in ('coco/bbox_mAP', 'coco/segm_mAP'):
        assert tested[name] == validated[name]
    assert len([p for p in (tmp_path / 'shown').rglob('*') if p.suffix in ('.png', '.jpg')]) == 4


def launch_two(images, work_dir, batch_size):
    """Train on two processes through the launcher's script."""
    return subprocess.run(
        ['bash', 'tools/dist_train.sh', 'configs/demo/infomin_r18_images.py', '2', '--work-dir',
         str(work_dir), '--cfg-options', f'data_root={images}',
         f'train_dataloader.batch_size={batch_size}', 'train_dataloader.num_workers=0',
         'train_dataloader.persistent_workers=False', 'train_cfg.max_epochs=1'],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
        env={'OMP_NUM_THREADS': '1', 'PORT': '29617',
             'PATH': f'{Path(sys.executable).parent}:/usr/bin:/bin'})


def test_two_processes_through_the_launcher(images, tmp_path):
    result = launch_two(images, tmp_path, batch_size=2)
    assert result.returncode == 0, result.stderr[-3000:]
    saved = read_file(tmp_path / 'epoch_1.pth')['state_dict']
    assert saved['queue.position'] == 4  # one step of two processes of two images


def test_a_batch_that_leaves_a_process_empty(images, tmp_path):
    result = launch_two(images, tmp_path, batch_size=4)  # of six images, three a process
    assert result.returncode != 0
    assert 'no full batch: the data set has 6 images for 2 processes of batch 4' in result.stderr
    assert not (tmp_path / 'epoch_1.pth').exists()
