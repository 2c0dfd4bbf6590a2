"""--resume finds the newest checkpoint that is whole, and says what it skips."""

import os
import shutil

import pytest
import torch
from toy_runs import logged, train_toy

from infomin_plugin.checkpoints import CheckpointError
from infomin_plugin.engine.resume.checkpoint_folder import find_checkpoints


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A work dir of three epochs; to copy."""
    folder = tmp_path_factory.mktemp('trained')
    train_toy(folder, epochs=3)
    return folder


@pytest.fixture
def work_dir(trained, tmp_path):
    """A copy, whose files are as old as the originals, and which knows nothing of them."""
    for path in trained.glob('epoch_*.pth'):
        shutil.copy2(path, tmp_path)
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_3.pth'))
    return tmp_path


def resumed(work_dir, **settings):
    """Train on; returns the epochs that were trained, and the log."""
    train_toy(work_dir, **dict(epochs=4, resume=True) | settings)
    log = logged(work_dir)
    return [epoch for epoch in (1, 2, 3, 4) if f'Epoch(train) [{epoch}]' in log], log


def truncate(path, share=0.5):
    os.truncate(path, int(path.stat().st_size * share))


def test_the_newest(work_dir):
    epochs, log = resumed(work_dir)
    assert epochs == [4] and f'Resuming from {work_dir}/epoch_3.pth, which is whole' in log


@pytest.mark.parametrize('share', [0, 0.5, 0.999])
def test_one_that_is_cut_short_is_skipped(work_dir, share):
    truncate(work_dir / 'epoch_3.pth', share)
    epochs, log = resumed(work_dir)
    assert epochs == [3, 4]
    assert f'WARNING - epoch_3.pth is skipped: {work_dir}/epoch_3.pth (' in log
    assert f'Resuming from {work_dir}/epoch_2.pth' in log


def test_one_with_a_flipped_bit_is_skipped(work_dir):
    path = work_dir / 'epoch_3.pth'
    time = path.stat().st_mtime_ns
    content = bytearray(path.read_bytes())
    weights = torch.load(path)['state_dict']['layer.weight'].numpy().tobytes()
    content[content.index(weights)] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(time, time))
    epochs, log = resumed(work_dir)
    assert epochs == [3, 4] and 'epoch_3.pth is skipped' in log and 'CRC' in log


def test_several_are_skipped(work_dir):
    truncate(work_dir / 'epoch_3.pth')
    (work_dir / 'epoch_2.pth').write_bytes(b'')
    epochs, log = resumed(work_dir)
    assert epochs == [2, 3, 4]
    assert 'epoch_3.pth is skipped' in log and 'epoch_2.pth is skipped' in log


@pytest.mark.parametrize('last', ['/nowhere/epoch_9.pth', '', 'epoch_', '\0', None])
def test_the_name_of_the_last_one_is_no_more_than_a_hint(work_dir, last):
    if last is None:
        (work_dir / 'last_checkpoint').unlink()
    else:
        (work_dir / 'last_checkpoint').write_text(last)
    assert resumed(work_dir)[0] == [4]


def test_one_that_is_newer_than_the_named_one(work_dir):
    """A kill between the checkpoint and its name."""
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
    assert resumed(work_dir)[0] == [4]


@pytest.mark.parametrize('last, names', [
    ('', ['preempted', 'epoch_10', 'epoch_9', 'epoch_2']),
    ('epoch_2.pth', ['epoch_2', 'preempted', 'epoch_10', 'epoch_9'])])
def test_a_clock_that_is_too_coarse_to_tell(tmp_path, last, names):
    for name in names:
        path = tmp_path / f'{name}.pth'
        path.write_bytes(b'')
        os.utime(path, (7, 7))
    (tmp_path / 'last_checkpoint').write_text(last and str(tmp_path / last))
    assert [path.stem for path in find_checkpoints(tmp_path)] == names


def test_a_moved_work_dir_goes_on_from_its_own_files(work_dir, trained):
    (work_dir / 'last_checkpoint').write_text(str(trained / 'epoch_3.pth'))
    assert f'Resuming from {work_dir}/epoch_3.pth' in resumed(work_dir)[1]


def test_checkpoints_in_another_folder(tmp_path):
    settings = dict(checkpoint=dict(out_dir=str(tmp_path / 'elsewhere')))
    train_toy(tmp_path / 'run', epochs=1, **settings)
    train_toy(tmp_path / 'run', epochs=2, resume=True, **settings)
    assert f'Resuming from {tmp_path}/elsewhere/run/epoch_1.pth' in logged(tmp_path / 'run')


def test_none_is_a_new_beginning(tmp_path):
    epochs, log = resumed(tmp_path, epochs=1)
    assert epochs == [1] and f'Nothing to resume in {tmp_path}: starting anew' in log


def test_none_that_is_whole_is_an_error(work_dir):
    for path in work_dir.glob('*.pth'):
        truncate(path)
    with pytest.raises(CheckpointError, match='no checkpoint in .* is whole .*epoch_3.*epoch_1'):
        resumed(work_dir)


def test_a_last_one_that_is_gone_without_another_is_an_error(work_dir):
    for path in work_dir.glob('*.pth'):
        path.unlink()
    with pytest.raises(CheckpointError, match='names .*epoch_3.pth as its last .*, which is gone'):
        resumed(work_dir)


def test_a_last_one_without_a_name_and_without_another_is_an_error(work_dir):
    """Its name was never written, and it lies in another folder."""
    for path in work_dir.glob('*.pth'):
        path.unlink()
    (work_dir / 'last_checkpoint').write_text('')
    with pytest.raises(CheckpointError, match='last_checkpoint names no checkpoint .*remove it'):
        resumed(work_dir)


def test_a_named_one_must_be_whole(work_dir):
    truncate(work_dir / 'epoch_2.pth')
    with pytest.raises(CheckpointError, match='epoch_2.pth'):
        resumed(work_dir, load_from=str(work_dir / 'epoch_2.pth'))


def test_weights_alone_are_nothing_to_resume_from(work_dir, tmp_path):
    whole = torch.load(work_dir / 'epoch_3.pth')
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=whole['state_dict'], meta=whole['meta']), path)
    with pytest.raises(ValueError, match='has no optimizer and no message_hub: it holds weights'):
        resumed(work_dir, load_from=str(path))


@pytest.mark.parametrize('meta', [dict(epoch=1), dict(epoch='1', iter=4), dict(epoch=-1, iter=4),
                                  dict(epoch=1, iter=4, seed=[1])])
def test_a_position_must_be_one(work_dir, meta):
    torch.save(torch.load(work_dir / 'epoch_3.pth') | dict(meta=meta), work_dir / 'a.pth')
    with pytest.raises(ValueError, match='cannot resume: (epoch and iter|the seed) of the'):
        resumed(work_dir, load_from=str(work_dir / 'a.pth'))


def test_code_in_an_old_config_is_not_run(work_dir):
    """MMEngine executes ``meta['config']`` of a resumed file."""
    from mmengine.config import Config
    code = f"open({str(work_dir / 'executed')!r}, 'w').close()"
    whole = torch.load(work_dir / 'epoch_3.pth')
    whole['meta']['config'] = code
    torch.save(whole, work_dir / 'a.pth')
    assert resumed(work_dir, load_from=str(work_dir / 'a.pth'))[0] == [4]
    assert not (work_dir / 'executed').exists()
    Config.fromstring(code, file_format='.py')  # as MMEngine's Runner.resume does
    assert (work_dir / 'executed').exists()
