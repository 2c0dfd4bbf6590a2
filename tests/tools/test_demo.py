"""The demo's own logic; that its stages train is tested with the tools that they are."""

import json
import sys
from pathlib import Path

import pytest
from tool_modules import load_tool

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def demo():
    return load_tool(ROOT / 'tools' / 'demo.py')


@pytest.fixture
def script(tmp_path):
    """A script that leaves its number of threads once a run, and fails on demand."""
    path = tmp_path / 'script.py'
    path.write_text('import os, sys\n'
                    f'open({str(tmp_path / "runs")!r}, "a").write(os.environ["OMP_NUM_THREADS"])\n'
                    'sys.exit(int(sys.argv[1]))\n')
    return path


def runs(tmp_path):
    return (tmp_path / 'runs').read_text()


def test_a_finished_stage_is_not_repeated(demo, script, tmp_path):
    demo.Stages(tmp_path).run('one', script, 0)
    stages = demo.Stages(tmp_path)
    stages.run('one', script, 0)
    assert len(runs(tmp_path)) == 1
    assert set(stages.seconds) == {'one'}


def test_a_stage_with_other_words_is_another(demo, script, tmp_path):
    demo.Stages(tmp_path).run('one', script, 0)
    demo.Stages(tmp_path).run('one', script, 0, 'more')
    assert len(runs(tmp_path)) == 2


def test_a_failed_stage_ends_the_demo_and_is_run_again(demo, script, tmp_path):
    with pytest.raises(SystemExit, match='one failed with exit code 3'):
        demo.Stages(tmp_path).run('one', script, 3)
    with pytest.raises(SystemExit):
        demo.Stages(tmp_path).run('one', script, 3)
    assert len(runs(tmp_path)) == 2


def test_a_stage_leaves_a_core_to_its_worker(demo, script, tmp_path, monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(demo.os, 'cpu_count', lambda: 4)
    demo.Stages(tmp_path).run('one', script, 0)
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    demo.Stages(tmp_path).run('two', script, 0)
    assert runs(tmp_path) == '37'


def test_fine_tuning_reads_the_last_validation_in_percent(demo, tmp_path):
    class Done:
        def run(self, *arguments):
            assert 'random' in arguments

    log = tmp_path / 'voc-random' / '20260101_000000' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    lines = [{'pascal_voc/mAP': 0.1, 'pascal_voc/AP50': 0.2, 'pascal_voc/AP75': 0.05},
             {'loss': 1.0},
             {'pascal_voc/mAP': 0.2345, 'pascal_voc/AP50': 0.4, 'pascal_voc/AP75': 0.1},
             {'loss': 0.5}]
    log.write_text('\n'.join(map(json.dumps, lines)))
    scores = demo.finetune(Done(), tmp_path, 'voc', 'random', epochs=2, seed=0)
    assert scores == {'AP': 23.45, 'AP50': 40.0, 'AP75': 10.0}


def test_the_report_holds_what_was_measured(demo, tmp_path, capsys):
    scores = dict(knn=50.0, voc=dict(AP=1.25, AP50=2.5, AP75=3.5),
                  coco=dict(bbox_AP=4.5, segm_AP=5.5))
    report = dict(title='A title', command='python demo', seed=3, methods=['random', 'infomin'],
                  random=scores, infomin=scores | dict(knn=60.0), seconds=dict(one=60.0, two=30.0))
    demo.write_report(tmp_path, report)
    assert json.loads((tmp_path / 'report.json').read_text()) == report
    text = (tmp_path / 'report.md').read_text()
    assert '| infomin | 60.0 | 1.2 | 2.5 | 3.5 | 4.5 | 5.5 |' in text
    assert 'Measured here by `python demo` in 1.5 minutes, seed 3' in text
    assert 'infomin' in capsys.readouterr().out


def test_refuses_a_data_folder_that_is_not_there(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['demo.py', '--data', 'nowhere'])
    with pytest.raises(SystemExit):
        demo.parse_args()
    assert '--data nowhere: no such folder' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, folder', [
    ([], 'demo'), (['--long'], 'demo-long'), (['--seed', '1'], 'demo-seed1'),
    (['--data', 'DIR', '--long'], 'demo-long-own')])
def test_each_kind_of_demo_has_a_folder_of_its_own(demo, monkeypatch, tmp_path, arguments, folder):
    (tmp_path / 'own').mkdir()
    words = [str(tmp_path / 'own') if word == 'DIR' else word for word in arguments]
    monkeypatch.setattr(sys, 'argv', ['demo.py', *words])
    assert demo.parse_args().work_dir == Path('work_dirs') / folder
