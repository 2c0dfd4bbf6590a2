import json

import pytest

from infomin_plugin.engine.view_learning_rows import last_logged, read_row, summarise

LEARN = """
regime = 'semi-supervised'
contrast = 'frozen.py'
published = {'semi-supervised': dict(RGB='86.0 ± 0.6', YDbDr='87.0 ± 0.3')}
model = dict(type='ViewLearning', generator=dict(type='FlowGenerator', in_space='YDbDr',
                                                 coupling='affine'))
train_cfg = dict(max_iters=20)
"""
FROZEN = """
regime = 'raw'
published = {'raw': dict(RGB='81.5 ± 0.2', YDbDr='86.6 ± 0.2')}
model = dict(type='CrossViewContrast', generator=dict(type='ColorSpaceGenerator', space='RGB'))
read_out = dict(queries=dict())
train_cfg = dict(max_iters=30)
"""


@pytest.fixture
def configs(tmp_path):
    for name, text in (('learn', LEARN), ('frozen', FROZEN)):
        (tmp_path / f'{name}.py').write_text(text)
    return tmp_path


def log(work_dir, time, lines):
    path = work_dir / time / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, lines)))


class Recorder:
    """Stages that leave the results of a run without running it."""

    def __init__(self, folder):
        self.folder, self.commands = folder, {}

    def run(self, name, command, settings=''):
        words = list(map(str, command))
        self.commands[name.rsplit('/', 1)[1]] = words
        if 'tools/train.py' in words:
            work_dir = self.folder / name
            log(work_dir, '20260101_000000', [dict(i_nce=float(len(self.commands)))])
        else:
            out = self.folder / name.rsplit('/', 1)[0] / 'read_out_scores.json'
            out.write_text(json.dumps(dict(test=50.0)))
        return 7.0


def test_a_config_says_what_the_row_is(configs):
    learned, raw = read_row(configs / 'learn.py'), read_row(configs / 'frozen.py')
    assert (learned.name, learned.regime, learned.space, learned.flow, learned.published) == (
        'learn', 'semi-supervised', 'YDbDr', 'nvp', '87.0 ± 0.3')
    assert learned.learning == configs / 'learn.py'
    assert learned.contrast == raw.contrast == configs / 'frozen.py'
    assert (raw.regime, raw.space, raw.flow, raw.published, raw.learning) == (
        'raw', 'RGB', '–', '81.5 ± 0.2', None)


def test_the_frozen_views_are_those_that_were_learned(configs, tmp_path):
    options = ['data_root=D', 'learning.train_cfg.max_iters=5', 'contrast.train_cfg.max_iters=6']
    stages = Recorder(tmp_path / 'work')
    found = read_row(configs / 'learn.py', options).run(stages, seed=4)
    folder = tmp_path / 'work' / 'learn' / 'seed4'
    learning, contrast, read_out = (
        stages.commands[name] for name in ('learning', 'contrast', 'read_out'))
    assert learning[-3:] == ['randomness.seed=4', 'data_root=D', 'train_cfg.max_iters=5']
    assert contrast[-4:] == ['randomness.seed=4', 'data_root=D', 'train_cfg.max_iters=6',
                             f'model.generator.init_cfg.checkpoint={folder}/learning/iter_5.pth']
    assert str(folder / 'contrast' / 'iter_6.pth') in read_out and 'data_root=D' in read_out
    assert found == dict(accuracy_test=50.0, i_nce_learning=1.0, i_nce_contrast=2.0,
                         seconds_learning=7.0, seconds_contrast=7.0, seconds_read_out=7.0)


def test_raw_views_are_not_learned(configs, tmp_path):
    stages = Recorder(tmp_path / 'work')
    found = read_row(configs / 'frozen.py').run(stages, seed=0)
    assert list(stages.commands) == ['contrast', 'read_out']
    assert not any('generator' in word for word in stages.commands['contrast'])
    assert 'i_nce_learning' not in found


def test_other_configs_are_refused(configs):
    (configs / 'other.py').write_text("model = dict(type='InfoMin')")
    with pytest.raises(ValueError, match='no config of learned or raw views: it has no regime'):
        read_row(configs / 'other.py')
    (configs / 'other.py').write_text(
        FROZEN + "model['generator']['init_cfg'] = dict(type='Pretrained', checkpoint='x')")
    with pytest.raises(ValueError, match='views that another config learns: give that one'):
        read_row(configs / 'other.py')


def test_the_last_value_of_all_parts_of_a_run(tmp_path):
    log(tmp_path, '20260101_000000', [dict(i_nce=1.0), dict(i_nce=2.0), dict(loss=3.0)])
    log(tmp_path, '20260102_000000', [dict(loss=4.0)])  # resumed after its last step
    assert last_logged(tmp_path, 'i_nce') == 2.0
    with pytest.raises(ValueError, match='have no accuracy'):
        last_logged(tmp_path, 'accuracy')


def test_mean_and_deviation_over_seeds():
    found = summarise([dict(a=1.0, b=2.0), dict(a=3.0), dict(a=5.0)])
    assert found == dict(a=(3.0, 2.0), b=(2.0, None))
