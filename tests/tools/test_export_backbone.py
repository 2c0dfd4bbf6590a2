"""The export tool on a real training checkpoint, and on what it must not overwrite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from checkpoint_files import infomin, random_trunk
from mmengine.runner import Runner
from tool_modules import load_tool

TOOL = Path(__file__).parents[2] / 'tools' / 'export_backbone.py'


@pytest.fixture(scope='module')
def export():
    """The tool's main function."""
    return load_tool(TOOL).main


@pytest.fixture
def checkpoint(tmp_path):
    """A training checkpoint of a ResNet-18."""
    path = tmp_path / 'train.pth'
    torch.save(infomin(random_trunk('resnet18', 1), random_trunk('resnet18', 2)), path)
    return path


@pytest.mark.parametrize(('source', 'seed'), [('query', 1), ('momentum', 2)])
def test_exports_the_encoder_asked_for(source, seed, export, checkpoint, tmp_path, capsys):
    out = tmp_path / 'new' / 'backbone.pth'
    export([str(checkpoint), str(out), '--from', source])
    assert capsys.readouterr().out.count('\n') == 1
    written = torch.load(out, weights_only=True)['state_dict']
    expected = random_trunk('resnet18', seed)
    assert set(written) == set(expected)
    assert all(torch.equal(written[key], expected[key]) for key in expected)


def test_command_line(checkpoint, tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, checkpoint, tmp_path / 'out.pth'],
        env={**os.environ, 'PYTHONPATH': str(TOOL.parents[1])},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'out.pth: resnet18, 120 tensors (from InfoMin training checkpoint: ' in done.stdout


def test_does_not_overwrite_unless_told(export, checkpoint, tmp_path):
    out = tmp_path / 'out.pth'
    out.write_text('mine')
    with pytest.raises(SystemExit, match='out.pth exists.*--overwrite'):
        export([str(checkpoint), str(out)])
    assert out.read_text() == 'mine'
    export([str(checkpoint), str(out), '--overwrite'])
    assert 'state_dict' in torch.load(out, weights_only=True)


def test_never_overwrites_the_checkpoint(export, checkpoint):
    before = checkpoint.read_bytes()
    with pytest.raises(SystemExit, match='is the checkpoint itself'):
        export([str(checkpoint), str(checkpoint), '--overwrite'])
    assert checkpoint.read_bytes() == before


def test_says_what_is_wrong_with_the_input(export, tmp_path):
    with pytest.raises(SystemExit, match='error: no checkpoint file at .*nowhere.pth'):
        export([str(tmp_path / 'nowhere.pth'), str(tmp_path / 'out.pth')])
    torch.save({'weight': torch.ones(1)}, tmp_path / 'linear.pth')
    with pytest.raises(SystemExit, match='error: .*linear.pth holds no ResNet trunk'):
        export([str(tmp_path / 'linear.pth'), str(tmp_path / 'out.pth')])
    assert not (tmp_path / 'out.pth').exists()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A small InfoMin model after two steps of MMEngine's own training, and its checkpoint."""
    work_dir = tmp_path_factory.mktemp('training')
    neck = dict(type='mmselfsup.MoCoV2Neck', in_channels=32, hid_channels=8, out_channels=4)
    head = dict(type='ContrastiveHead', temperature=0.2)
    model = dict(
        type='InfoMin',
        backbone=dict(type='mmselfsup.ResNet', depth=18, base_channels=4, stem_channels=4),
        neck=neck, head=head, memory=dict(type='KeyQueue', length=8, channels=4), momentum=0.5)
    samples = [dict(inputs=dict(views=list(views), patches=[]))
               for views in torch.rand(4, 2, 3, 32, 32)]
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=2, dataset=samples, collate_fn=dict(type='default_collate'),
            sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=1),
        default_scope='infomin_plugin',
        experiment_name='export')
    runner.train()
    return runner.model, work_dir / 'epoch_1.pth'


@pytest.mark.parametrize('source', ['query', 'momentum'])
def test_exports_from_a_run_of_our_own(source, export, trained, tmp_path):
    model, path = trained
    trunks = dict(query=model.backbone.state_dict(),
                  momentum=model.momentum_encoder.module.backbone.state_dict())
    assert not torch.equal(trunks['query']['conv1.weight'], trunks['momentum']['conv1.weight'])
    with pytest.raises(Exception, match='Unsupported'):  # the logs: why the reader has its own way
        torch.load(path, weights_only=True)

    export([str(path), str(tmp_path / 'out.pth'), '--from', source])
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert set(written) == set(trunks[source])
    assert all(torch.equal(written[key], trunks[source][key]) for key in written)
