"""Unreadable images and a full disk are found before the first step."""

from pathlib import Path

import pytest
import torch
from config_runs import train_config
from faulty_training import run_faulty
from mmengine.optim import OptimWrapper, OptimWrapperDict
from tiny_configs import write_tiny
from torch import nn
from training_sets import write_images

from infomin_plugin.engine.faults import storage

CONFIGS = Path(__file__).parents[3] / 'configs'
SMALL = ['train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
         'train_dataloader.persistent_workers=False', 'model.memory.length=16',
         'train_cfg.max_epochs=1', 'custom_hooks=[]']


def spoil(path):
    path.write_bytes(path.read_bytes()[:100])


def test_an_image_folder_forgives_some_and_says_which(tmp_path):
    write_images(tmp_path / 'data', 6)
    spoil(tmp_path / 'data/002.jpg')
    config = write_tiny(CONFIGS / 'demo/infomin_r18_images.py', tmp_path)
    options = [f'data_root={tmp_path / "data"}', *SMALL]
    train_config(config, tmp_path / 'work', options)
    (log, ) = (tmp_path / 'work').glob('*/*.log')
    (line, ) = (line for line in log.read_text().splitlines() if 'that were tried' in line)
    assert '1 of 6 images that were tried of 6 are unreadable: ' in line and '002.jpg' in line
    for number in (0, 1, 5):
        spoil(tmp_path / f'data/00{number}.jpg')
    with pytest.raises(ValueError, match='4 of 6 images that were tried .*000.jpg.*Repair'):
        train_config(config, tmp_path / 'again', options)
    assert not list((tmp_path / 'again').glob('*/vis_data/scalars.json'))


def test_a_detection_set_forgives_none(tmp_path):
    """A file that is listed but not there, which training would meet some day."""
    with pytest.raises(ValueError, match=r'8 of 8 images .*folder/image_0.jpg.*and 3 more'):
        run_faulty(tmp_path, **{'run_hooks.start_checks.images': 32})
    assert not list(tmp_path.glob('*.pth'))


def test_missing_annotations_end_it_before_the_first_step(mini, tmp_path):
    config = write_tiny(CONFIGS / 'detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py', tmp_path)
    with pytest.raises(FileNotFoundError, match='instances_train2017.json'):
        train_config(config, tmp_path / 'work', [f'data_root={tmp_path}'])


def test_too_little_room_ends_it_before_the_first_step(tmp_path, monkeypatch):
    usage = storage.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(storage.shutil, 'disk_usage', lambda path: usage._replace(free=100))
    with pytest.raises(ValueError, match=rf'{tmp_path} has 0.00 GB free, .*max_keep_ckpts'):
        run_faulty(tmp_path)
    assert not list(tmp_path.glob('*.pth'))
    # unless told not to look
    run_faulty(tmp_path, **{'run_hooks.start_checks.room': False})


def test_room_for_all_checkpoints_is_a_warning_without_a_limit(tmp_path, monkeypatch):
    size = 4 * (15 + 15)  # 15 weights with momentum, of four bytes
    usage = storage.shutil.disk_usage(tmp_path)
    for keep, free, fits in ((-1, 2 * size, True), (-1, 2 * size - 1, False),
                             (3, 4 * size, True), (3, 4 * size - 1, False)):
        folder = tmp_path / f'{keep}_{free}'
        monkeypatch.setattr(storage.shutil, 'disk_usage',
                            lambda path, free=free: usage._replace(free=free))
        limit = {'default_hooks.checkpoint.max_keep_ckpts': keep,
                 'train_cfg.max_epochs': 1}
        if not fits:
            with pytest.raises(ValueError, match='GB free'):
                run_faulty(folder, **limit)
            continue
        run_faulty(folder, **limit)
        (log, ) = folder.glob('*/*.log')
        assert ('4 kept and one' in log.read_text()) == (keep == -1)


def test_the_size_of_a_checkpoint_is_that_of_the_file(tmp_path):
    model = nn.Sequential(nn.Linear(300, 300), nn.BatchNorm1d(300), nn.Linear(300, 300))
    model[2].requires_grad_(False)
    for optimizer in (torch.optim.SGD(model.parameters(), 0.1),
                      torch.optim.SGD(model.parameters(), 0.1, momentum=0.9),
                      torch.optim.AdamW(model.parameters())):
        wrapper = OptimWrapper(optimizer)
        estimate = storage.checkpoint_bytes(model, wrapper)
        assert storage.checkpoint_bytes(model, OptimWrapperDict(player=wrapper)) == estimate
        wrapper.update_params(model(torch.randn(4, 300)).sum())
        torch.save([model.state_dict(), optimizer.state_dict()], tmp_path / 'file')
        assert estimate == pytest.approx((tmp_path / 'file').stat().st_size, rel=0.02)


def test_what_is_there_already_is_counted_in(tmp_path, monkeypatch):
    usage = storage.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(storage.shutil, 'disk_usage', lambda path: usage._replace(free=1500))
    with pytest.raises(ValueError, match='GB free'):
        storage.check_room(tmp_path, 1000, kept=1)
    (tmp_path / 'epoch_1.pth').write_bytes(b'0' * 1000)
    storage.check_room(tmp_path, 1000, kept=1)
