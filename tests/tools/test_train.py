"""tools/train.py and tools/test.py as commands; that every config trains: configs/test_steps.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from config_runs import logged_lines, run_config, train_config
from ports import free_port
from tiny_configs import write_tiny
from tool_modules import load_tool

from infomin_plugin.checkpoints import read_file

ROOT = Path(__file__).parents[2]
TIMEOUT = 180
IMAGES = ROOT / 'configs/demo/infomin_r18_images.py'
DETECTOR = ROOT / 'configs/demo/mask-rcnn_r18_fpn_coco-form.py'
SMALL = ('train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
         'train_dataloader.persistent_workers=False', 'model.memory.length=16')


def run(tool, *arguments, fails=False):
    """Run a tool and return what it printed."""
    result = subprocess.run(
        [sys.executable, f'tools/{tool}.py', *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT,
        env={'OMP_NUM_THREADS': '1', 'PATH': str(Path(sys.executable).parent)})
    output = result.stdout + result.stderr
    assert (result.returncode != 0) == fails, output[-4000:]
    return output


def test_a_missing_folder_ends_early_with_a_reason(tmp_path):
    output = run('train', IMAGES, '--work-dir', tmp_path, '--cfg-options', 'data_root=nowhere',
                 *SMALL, fails=True)
    assert output.splitlines()[-1] == (
        'error: train_dataloader.dataset: there is no nowhere: set it by --cfg-options '
        'data_root=DIR')
    assert 'Traceback' not in output and 'Epoch(train)' not in output


@pytest.mark.parametrize('options, words', [
    (['model.memory.length=1'], 'queue of length 1 is smaller than the batch of 2 keys'),
    (['train_dataloader.batch_size=60', 'model.memory.length=99'], 'no full batch'),
])
def test_bad_settings_are_found_before_the_first_step(images, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        run_config(IMAGES, tmp_path, [f'data_root={images}', *SMALL, *options])
    assert not list(tmp_path.glob('*/vis_data/scalars.json'))


@pytest.mark.parametrize('tool, words, message', [
    ('train', ['configs/nothing.py'], "error: .*'configs/nothing.py'"),
    ('train', [DETECTOR, '--pretrained', 'nowhere.pth'], 'error: no checkpoint file at nowhere'),
    ('test', ['configs/nothing.py', 'nowhere.pth'], "error: .*'configs/nothing.py'"),
    ('test', [DETECTOR, 'nowhere.pth'], 'error: no checkpoint file at nowhere.pth'),
])
def test_what_is_missing_is_named_without_a_traceback(
        mini, tmp_path, monkeypatch, tool, words, message):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', [
        tool, *map(str, words), '--work-dir', str(tmp_path), '--cfg-options', f'data_root={mini}'])
    with pytest.raises(SystemExit, match=message):
        load_tool(ROOT / f'tools/{tool}.py').main()


def test_an_option_without_a_value_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_config(IMAGES, tmp_path, ['data_root'])
    assert "'data_root' has no" in capsys.readouterr().err


def test_resume_goes_on_and_refuses_another_queue(images, tmp_path):
    options = [f'data_root={images}', *SMALL, 'default_hooks.checkpoint.interval=1']
    run_config(IMAGES, tmp_path, [*options, 'train_cfg.max_epochs=1'])
    output = run('train', IMAGES, '--work-dir', tmp_path, '--resume', '--cfg-options', *options,
                 'train_cfg.max_epochs=2')
    assert 'Epoch(train) [2]' in output and 'Epoch(train) [1]' not in output
    saved = read_file(tmp_path / 'epoch_2.pth')['state_dict']
    assert saved['memory.position'] == 12  # 2 epochs of 3 batches of 2
    with pytest.raises(
            ValueError, match=r'memory.keys is \(16, 64\) in the checkpoint, \(32, 64\) in the'):
        run_config(IMAGES, tmp_path, [*options, 'train_cfg.max_epochs=3', 'resume=True',
                                      'model.memory.length=32'])


def test_three_commands_from_images_to_a_detector(images, mini, tmp_path):
    """Pre-train on plain images, export, fine-tune: the README's own chain."""
    run('train', IMAGES, '--work-dir', tmp_path / 'pre', '--cfg-options', f'data_root={images}',
        *SMALL, 'train_cfg.max_epochs=1')
    run('export_backbone', tmp_path / 'pre/epoch_1.pth', tmp_path / 'backbone.pth')
    config = write_tiny(ROOT / 'configs/demo/mask-rcnn_r18_fpn_coco-form.py', tmp_path)
    output = run('train', config, '--work-dir', tmp_path / 'fine', '--pretrained',
                 tmp_path / 'backbone.pth', '--cfg-options', f'data_root={mini}')
    assert '0 missing / 0 unexpected / 0 shape-mismatched' in output


def test_from_learned_views_to_a_detector(mini, tmp_path):
    """Learn views, contrast them, export both trunks behind their generator, fine-tune on RGB."""
    small = [f'data_root={mini}', 'train_dataloader.batch_size=4', *SMALL[1:3],
             'train_cfg.max_iters=2',
             # the scenes' objects are smaller than the configs' crops
             'train_dataloader.dataset.pipeline.1.views.recipe.0.size=16']
    views = ROOT / 'configs/view_learning'
    train_config(views / 'unsupervised_ydbdr_nvp_cutouts.py', tmp_path / 'learn', small)
    learned = tmp_path / 'learn/iter_2.pth'
    train_config(views / 'contrast_ydbdr_nvp_cutouts.py', tmp_path / 'contrast',
                 [*small, f'model.generator.init_cfg.checkpoint={learned}'])
    output = run('export_backbone', tmp_path / 'contrast/iter_2.pth', tmp_path / 'backbone.pth')
    assert "two-view resnet18_base16 behind {'type': 'FlowGenerator', 'in_space': 'YDbDr'" in output
    config = write_tiny(ROOT / 'configs/demo/mask-rcnn_two-view-r18_fpn_coco-form.py', tmp_path)
    run_config(config, tmp_path / 'fine', [f'data_root={mini}'],
               pretrained=tmp_path / 'backbone.pth')
    (log, ) = (tmp_path / 'fine').glob('*/*.log')
    assert '0 missing / 0 unexpected / 0 shape-mismatched' in log.read_text()
    kept, found = (read_file(path)['state_dict'] for path in (
        learned, tmp_path / 'fine/epoch_1.pth'))
    flow = [key for key in kept if key.startswith('generator.')]
    assert flow and all(kept[key].equal(found[f'backbone.{key}']) for key in flow)

    # the dumped config knows the generator
    run('test', tmp_path / 'fine' / config.name, tmp_path / 'fine/epoch_1.pth', '--work-dir',
        tmp_path / 'test')


def test_the_test_tool_repeats_the_validation_and_draws(mini, tmp_path):
    config = write_tiny(ROOT / 'configs/demo/mask-rcnn_r18_fpn_coco-form.py', tmp_path)
    options = [f'data_root={mini}', 'val_dataloader.dataset.indices=4',
               'test_dataloader.dataset.indices=4']
    run_config(config, tmp_path / 'work', options)
    validated = logged_lines(tmp_path / 'work')[-1]
    run('test', config, tmp_path / 'work/epoch_1.pth', '--work-dir', tmp_path / 'test',
        '--show-dir', tmp_path / 'shown', '--cfg-options', *options)
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
        env={'OMP_NUM_THREADS': '1', 'PORT': str(free_port()),
             'PATH': f'{Path(sys.executable).parent}:/usr/bin:/bin'})


def test_two_processes_through_the_launcher(images, tmp_path):
    result = launch_two(images, tmp_path, batch_size=2)
    assert result.returncode == 0, result.stderr[-3000:]
    saved = read_file(tmp_path / 'epoch_1.pth')['state_dict']
    assert saved['memory.position'] == 4  # one step of two processes of two images


def test_a_batch_that_leaves_a_process_empty(images, tmp_path):
    result = launch_two(images, tmp_path, batch_size=4)  # of six images, three a process
    assert result.returncode != 0
    assert 'no full batch: the data set has 6 images for 2 processes of batch 4' in result.stderr
    assert not (tmp_path / 'epoch_1.pth').exists()
