import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from table_files import write_project

from infomin_plugin.engine.chains.launchers import Launcher
from infomin_plugin.engine.chains.tables import read_table

ROOT = Path(__file__).parents[3]


def chain(row, work_dir, seed=0):
    return {command.name: shlex.join(command.words) for command in row.commands(work_dir, seed)}


@pytest.fixture
def table(tmp_path):
    return read_table(write_project(tmp_path), tmp_path)


def test_two_trunks_on_photographs_on_a_cpu():
    table = read_table(ROOT / 'configs/tables/cutouts.py', ROOT)
    row = table.row('cmc', Launcher('none', 0), options=['data_root=/d'])
    at, splits = 'work_dirs/cutouts/cmc/seed3', 'data_root=/d train_split=trainval'
    size = ('model.backbone.base_channels=8 model.backbone.stem_channels=8 '
            "'model.neck.in_channels=[16,32,64,128]'")
    voc, coco = (f'configs/demo/{name}.py' for name in (
        'faster-rcnn_two-view-r18_fpn_voc-form', 'mask-rcnn_two-view-r18_fpn_coco-form'))
    expected = {
        'pretrain': f'tools/train.py configs/cutouts/cmc_r18.py --work-dir {at}/pretrain --resume '
                    '--cfg-options randomness.seed=3 data_root=/d',
        'backbone': f'tools/export_backbone.py {at}/pretrain/epoch_30.pth {at}/backbone.pth '
                    '--overwrite',
        'read_out': 'tools/analysis/read_out.py configs/cutouts/read_out_two-view-r18.py '
                    f'--pretrained {at}/backbone.pth --seed 3 --out {at}/read_out_scores.json '
                    '--cfg-options data_root=/d'}
    for name, config in (('voc', voc), ('coco', coco)):
        expected[name] = (
            f'tools/train.py {config} --work-dir {at}/{name} --resume --pretrained '
            f'{at}/backbone.pth --cfg-options randomness.seed=3 {splits} test_split=test {size}')
        expected[f'{name}_test_unseen'] = (
            f'tools/test.py {config} {at}/{name}/epoch_6.pth --work-dir {at}/{name}_test_unseen '
            f'--cfg-options randomness.seed=3 {splits} test_split=test_unseen {size}')
    assert chain(row, ROOT / table.work_dir, 3) == {
        f'cmc/seed3/{name}': f'python {words}' for name, words in expected.items()}


def test_rows_that_are_run_at_once_do_not_disturb_each_other():
    table = read_table(ROOT / 'configs/tables/cutouts.py', ROOT)
    rows = [table.row(name, Launcher('none', 0), ['read_out']) for name in ('pirl', 'infomin')]
    alone = [chain(row, ROOT / 'work') for row in rows]
    with ThreadPoolExecutor(len(rows)) as pool:
        assert list(pool.map(chain, rows, [ROOT / 'work'] * len(rows))) == alone


def test_the_paper_on_half_the_gpus_has_the_same_batch():
    table = read_table(ROOT / 'configs/tables/voc0712.py', ROOT)
    row = table.row('infomin-800e', Launcher('pytorch', 4),
                    options=['pretrain:data_root=/imagenet'])
    at = '/w/infomin-800e/seed0'
    pretrain = 'configs/pretrain/infomin/infomin_resnet50_8xb32-coslr-800e_in1k.py'
    assert chain(row, Path('/w')) == {
        'infomin-800e/seed0/pretrain':
            f'tools/dist_train.sh {pretrain} 4 --work-dir {at}/pretrain --resume --cfg-options '
            'randomness.seed=0 data_root=/imagenet train_dataloader.batch_size=64',
        'infomin-800e/seed0/backbone':
            f'python tools/export_backbone.py {at}/pretrain/epoch_800.pth {at}/backbone.pth '
            '--overwrite',
        'infomin-800e/seed0/voc':
            'tools/dist_train.sh configs/detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py 4 '
            f'--work-dir {at}/voc --resume --pretrained {at}/backbone.pth --cfg-options '
            'randomness.seed=0 train_dataloader.batch_size=4'}


def test_supervised_weights_under_slurm():
    table = read_table(ROOT / 'configs/tables/coco_larger.py', ROOT)
    row = table.row('supervised-resnet101', Launcher('slurm', 8, 'gpu'), ['coco-cascade-2x'])
    assert chain(row, Path('/w'), 1) == {
        'supervised-resnet101/seed1/coco-cascade-2x':
            'env GPUS=8 tools/slurm_train.sh gpu supervised-resnet101-seed1-coco-cascade-2x '
            'configs/detection/cascade-mask-rcnn_r101_fpn_8xb2-2x_coco.py --work-dir '
            '/w/supervised-resnet101/seed1/coco-cascade-2x --resume --pretrained supervised '
            '--cfg-options randomness.seed=1'}


def test_the_whole_chain_of_a_row_is_what_other_tables_run():
    """The same names, commands and settings, so that nothing is run twice."""
    found = {}
    for name in ('resnet50', 'imagenet_read_out', 'voc0712', 'coco_r50_fpn'):
        table = read_table(ROOT / f'configs/tables/{name}.py', ROOT)
        row = table.row('infomin-200e', Launcher('pytorch', 8))
        found[name] = {command.name.rsplit('/', 1)[1]: (
            command.words, command.config.pretty_text if command.config else '')
            for command in row.commands(table.work_dir, 0)}
    whole = found.pop('resnet50')
    assert list(whole) == [
        'pretrain', 'backbone', 'linear', 'linear-randaugment', 'knn', 'voc', 'coco-fpn-1x',
        'coco-fpn-2x']
    for stages in found.values():
        assert len(stages.keys() & whole.keys()) > 2  # more than the trunk
        assert all(whole[stage] == stages[stage] for stage in stages.keys() & whole.keys())
    assert whole.keys() <= set().union(*found.values())


def test_nearest_neighbours_are_read_out_of_the_exported_trunk():
    table = read_table(ROOT / 'configs/tables/imagenet_read_out.py', ROOT)
    assert table.select(['all'], ['knn']) == [
        'instdis-200e', 'pirl-200e', 'moco-200e', 'mocov2-200e', 'infomin-100e', 'infomin-200e',
        'infomin-800e']
    row = table.row('moco-200e', Launcher('pytorch', 8), ['knn'])
    *_, last = row.commands(Path('/w'), 2)
    assert shlex.join(last.words) == (
        'python tools/analysis/read_out.py configs/linear/knn_resnet50_in1k.py --pretrained '
        '/w/moco-200e/seed2/backbone.pth --seed 2 --out /w/moco-200e/seed2/knn_scores.json')
    assert last.config.read_out.methods == ['knn']


def test_the_last_checkpoint_is_that_of_the_length_asked_for(table, tmp_path):
    row = table.row('infomin-long', Launcher('slurm', 2, 'gpu'),
                    options=['voc:train_cfg.max_iters=7'])
    found = chain(row, tmp_path / 'runs')
    assert 'seed0/pretrain/epoch_9.pth' in found['infomin-long/seed0/backbone']
    assert 'seed0/voc/iter_7.pth' in found['infomin-long/seed0/unseen']
    assert found['infomin-long/seed0/read_out'].startswith(
        'srun --partition gpu --job-name infomin-long-seed0-read_out')


def test_a_batch_of_ones_own_is_kept(table, tmp_path):
    row = table.row('infomin-long', Launcher('none', 0), ['voc'],
                    ['pretrain:train_dataloader.batch_size=5'])
    pretrain, _, voc = row.commands(tmp_path, 0)
    assert pretrain.words[-1] == 'train_dataloader.batch_size=5'
    assert voc.words[-1] == 'train_dataloader.batch_size=6'
    assert voc.config.train_dataloader.batch_size == 6


@pytest.mark.parametrize('launcher, options, words', [
    (Launcher('pytorch', 4), [], r'detector.py: its batch of 6 cannot be split evenly over 4 GPUs'),
    (Launcher('pytorch', 2), ['hooks.3.name=b'], r'detector.py does not take .*hooks.3.name=b'),
    (Launcher('pytorch', 2), ['nope.key=1'], "nope.key: detector.py has no setting 'nope'"),
    (Launcher('pytorch', 2), ['voc:train_cfg=3'], "train_cfg=3: 'train_cfg' of detector.py is a"),
])
def test_what_cannot_be_run_is_refused(table, tmp_path, launcher, options, words):
    row = table.row('random', launcher, ['voc'], options)
    with pytest.raises(ValueError, match=words):
        row.commands(tmp_path, 0)


def test_a_training_without_an_end_has_no_last_checkpoint(table, tmp_path):
    row = table.row('cmc', Launcher('none', 0), options=['pretrain:train_cfg=None'])
    with pytest.raises(ValueError, match='infomin.py: train_cfg has no max_epochs .*: None'):
        row.commands(tmp_path, 0)


class Recorder:
    """Stages that are not run."""

    def __init__(self, folder):
        self.folder, self.settings, self.processes = folder, {}, {}

    def run(self, name, command, settings='', processes=1):
        self.settings[name], self.processes[name] = settings, processes
        return 2.0


def test_a_stage_is_remembered_with_the_config_that_it_had(table, tmp_path):
    stages = Recorder(tmp_path / 'runs')
    row = table.row('infomin-long', Launcher('pytorch', 2), ['read_out'])
    assert row.run(stages, 0) == dict(
        seconds_pretrain=2.0, seconds_backbone=2.0, seconds_read_out=2.0)
    settings = {name.rsplit('/', 1)[1]: text for name, text in stages.settings.items()}
    assert 'max_epochs=9' in settings['pretrain'] and 'k=20' in settings['read_out']
    assert settings['backbone'] == ''


def test_only_trainings_and_tests_are_several_processes(table, tmp_path):
    stages = Recorder(tmp_path / 'runs')
    table.row('infomin-long', Launcher('pytorch', 2)).run(stages, 0)
    assert {name.rsplit('/', 1)[1]: number for name, number in stages.processes.items()} == dict(
        pretrain=2, backbone=1, read_out=1, voc=2, unseen=2)
