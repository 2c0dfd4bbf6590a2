"""The benchmark of the step: what it compares is the same work, its figures fit together."""

import json
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / 'tools' / 'benchmarks'
sys.path.insert(0, str(BENCHMARKS))
import step  # noqa: E402
import step_models  # noqa: E402

TINY = step_models.Size(depth=18, pixels=32, patch=16, batch=2, queue=8)


def test_mmselfsups_model_has_our_networks():
    ours, theirs = step_models.ours(TINY, jigsaw=False), step_models.mmselfsup_moco(TINY)
    mine = {name: value.shape for name, value in ours.named_parameters()
            if name.startswith(('backbone', 'neck'))}
    assert mine == {name: value.shape for name, value in theirs.named_parameters()
                    if name.startswith(('backbone', 'neck'))}


def test_the_passes_alone_are_those_of_the_step():
    """As many convolutions, forward and backward."""
    for jigsaw in (False, True):
        counts = []
        for made in (step_models.our_step(TINY, jigsaw), step_models.bare_step(TINY, jigsaw)):
            made()
            with torch.profiler.profile() as profiler:
                made()
            names = [event.name for event in profiler.events()]
            counts.append((names.count('aten::convolution'),
                           names.count('aten::convolution_backward')))
        assert counts[0] == counts[1] and min(counts[0]) >= 20


def test_a_step_of_ours_waits_for_no_device():
    for jigsaw in (False, True):
        made = step_models.our_step(TINY, jigsaw)
        made()
        assert step.count_operators(made)['waits'] == 0
    made = step_models.mmselfsup_step(TINY)
    made()
    assert step.count_operators(made)['waits'] > 0  # so they are seen


def test_figures_fit_together(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(step_models.SIZES, 'small', TINY)
    # memory is measured in forked processes, which torch's threads of other tests forbid
    monkeypatch.setattr(step, 'in_child', lambda function, *arguments: 7.0)
    step.main(['--sizes', 'small', '--repeats', '1', '--no-scaling', '--json',
               str(tmp_path / 'step.json')])
    (figures, ) = json.loads((tmp_path / 'step.json').read_text())['sizes']
    assert len(figures['seconds']) == len(step_models.STEPS) and len(figures['ratios']) == 4
    for pair, ratio in figures['ratios'].items():
        name, other = pair.split(' / ')
        expected = figures['seconds'][name]['median'] / figures['seconds'][other]['median']
        assert ratio['median'] == pytest.approx(expected)
    printed = capsys.readouterr().out
    assert all(f'| {name} |' in printed for name in [*figures['seconds'], *figures['ratios']])


def test_some_rows_only(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(step_models.SIZES, 'small', TINY)
    monkeypatch.setattr(step, 'in_child', lambda function, *arguments: 7.0)
    step.main(['--sizes', 'small', '--repeats', '1', '--no-scaling', '--models', 'MoCo v2',
               "mmselfsup's MoCo v2"])
    printed = capsys.readouterr().out
    assert "| MoCo v2 / mmselfsup's MoCo v2 |" in printed and 'InfoMin' not in printed
    with pytest.raises(SystemExit, match="there is no .'MoCo v3'., there are .'InfoMin'"):
        step.main(['--models', 'MoCo v3'])


def test_the_interval_holds_the_median_as_often_as_it_says():
    """Of 20 normal numbers in 95% of the cases or a little more; of 3 it is the range."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(4000, 20, generator=generator).tolist()
    rows = [step.summarise(values) for values in drawn]
    held = sum(row['low'] <= 0 <= row['high'] for row in rows) / len(rows)
    assert 0.945 < held < 0.975
    assert step.summarise([3.0, 1.0, 2.0]) == dict(median=2.0, low=1.0, high=3.0)
