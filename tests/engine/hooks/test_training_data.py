"""A training resumes with the images that it began with, or is told otherwise."""

from pathlib import Path

import pytest
from config_runs import train_config
from faulty_training import FaultySamples, run_faulty
from tiny_configs import write_tiny
from training_sets import write_images

from infomin_plugin.checkpoints import read_file
from infomin_plugin.datasets import ImageFolder
from infomin_plugin.engine.hooks.training_data import describe_data

CONFIGS = Path(__file__).parents[3] / 'configs'
EPOCHS = {'default_hooks.checkpoint.by_epoch': True}
RESUME = dict(resume=True, train_cfg=dict(max_epochs=3), **EPOCHS)


def test_a_smaller_set_is_refused_with_both_numbers(tmp_path):
    run_faulty(tmp_path, **EPOCHS)
    with pytest.raises(ValueError, match='cannot resume: .*trained on 8 images .*has 6 images .*'
                                         'allow_changed_data=True'):
        run_faulty(tmp_path, dict(length=6), **RESUME)
    assert not (tmp_path / 'epoch_3.pth').exists()


def test_other_images_of_the_same_number_are_refused(tmp_path):
    run_faulty(tmp_path, **EPOCHS)
    others = dict(length=9, left_out=(3, ))
    with pytest.raises(ValueError, match=r'trained on 8 images \(names: .*has 8 images \(names: '):
        run_faulty(tmp_path, others, **RESUME)
    runner = run_faulty(tmp_path, others, allow_changed_data=True, **RESUME)
    assert runner.iter == 12
    now = read_file(tmp_path / 'epoch_3.pth')['meta']['training_data']
    assert now == describe_data(FaultySamples(**others))


def test_the_same_images_elsewhere_are_the_same(tmp_path):
    for folder in ('here', 'moved/far/away'):
        write_images(tmp_path / folder / 'deep', 3)
        write_images(tmp_path / folder / 'deeper' / 'still', 2)
    here, there = (describe_data(ImageFolder(str(tmp_path / folder)))
                   for folder in ('here', 'moved/far/away'))
    assert here == there and here['length'] == 5
    one = tmp_path / 'here/deep/000.jpg'
    one.rename(one.with_name('100.jpg'))
    renamed = describe_data(ImageFolder(str(tmp_path / 'here')))
    assert renamed['length'] == 5 and renamed['names'] != here['names']


def test_sets_without_files_have_a_length():
    assert describe_data(list(range(7))) == dict(length=7, names=None)


def test_a_set_that_draws_its_images_draws_one():
    class Drawn(list):
        drawn = 0

        def get_data_info(self, index):
            self.drawn += 1
            return dict(views=[])

    dataset = Drawn(range(50))
    assert describe_data(dataset) == dict(length=50, names=None)
    assert dataset.drawn == 1


def test_a_bank_never_takes_another_number(tmp_path):
    """Its keys are those of the images."""
    config = CONFIGS / 'cutouts/instdis_r18.py'
    data = tmp_path / 'data'
    write_images(data / 'objects', 6)
    write_images(data / 'classify' / 'train' / 'a', 6)
    write_images(data / 'classify' / 'test' / 'a', 2)
    tiny = write_tiny(config, tmp_path)
    options = [f'data_root={data}', 'train_dataloader.batch_size=2', 'custom_hooks=[]',
               'default_hooks.checkpoint.interval=1']
    train_config(tiny, tmp_path / 'work', options)
    next((data / 'objects').iterdir()).unlink()
    with pytest.raises(ValueError, match=r'memory.keys is \(6, .* in the checkpoint, \(5, '):
        train_config(tiny, tmp_path / 'work', [
            *options, 'resume=True', 'train_cfg.max_epochs=2', 'allow_changed_data=True'])
