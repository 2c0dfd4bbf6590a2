"""Config files that are none, and words of a command line that name no setting."""

import ast
import inspect
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import FlexibleRunner, Runner

from infomin_plugin.engine.command_line import configured
from infomin_plugin.engine.settings.config_files import merge_options, read_config
from infomin_plugin.engine.settings.known_keys import KNOWN_KEYS

ROOT = Path(__file__).parents[3]
# a run writes them into the config that it dumps
WRITTEN = {'initialisation', 'overridden'}


@pytest.fixture
def cfg():
    return Config(dict(train_cfg=dict(max_epochs=3), optim_wrapper=dict(type='OptimWrapper'),
                       hooks=[dict(k=1)], folder='data'))


@pytest.mark.parametrize('option, words', [
    ('trian_cfg.max_epochs', "no setting 'trian_cfg'; did you mean 'train_cfg'"),
    ('pretraind', "no setting 'pretraind'; did you mean 'pretrained'"),
    ('nope.key', "nope.key: the config has no setting 'nope'$"),
    ('train_cfg', 'train_cfg=3: .* is a group of settings: .* with KEY of max_epochs'),
    ('hooks.7.k', 'does not take hooks.7.k=3'),
    ('folder.k', 'does not take folder.k=3'),
])
def test_an_unknown_setting_is_refused(cfg, option, words):
    before = cfg.to_dict()
    with pytest.raises(ValueError, match=words):
        merge_options(cfg, {option: 3})
    assert cfg.to_dict() == before


def test_new_settings_in_a_group_and_of_the_runner_are_taken(cfg):
    merge_options(cfg, {
        'optim_wrapper.clip_grad.max_norm': 5, 'hooks.0.k': 2, 'folder': 'here', 'resume': True,
        'randomness.seed': 1, 'train_cfg.val_interval': 2, 'run_hooks.finite_loss.action': 'skip',
        'compile': True, 'warm_up': None, 'data_root': 'there'})
    assert cfg.optim_wrapper == dict(type='OptimWrapper', clip_grad=dict(max_norm=5))
    assert cfg.randomness.seed == 1 and cfg.train_cfg.max_epochs == 3
    assert cfg.run_hooks.finite_loss.action == 'skip' and cfg.hooks[0].k == 2


def test_a_group_can_be_replaced_as_a_whole(cfg):
    merge_options(cfg, {'train_cfg._delete_': True, 'train_cfg.max_iters': 9})
    assert cfg.train_cfg == dict(max_iters=9)


def keys_read(source):
    """The names that code reads by ``cfg.get('NAME')`` or ``….cfg.get('NAME')``."""
    def is_cfg(node):
        return 'cfg' in (getattr(node, 'id', None), getattr(node, 'attr', None))

    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.Call) and getattr(node.func, 'attr', None) == 'get'
                and is_cfg(node.func.value) and isinstance(node.args[0], ast.Constant)):
            yield node.args[0].value


def test_all_that_is_read_is_known():
    ours = [path.read_text() for folder in ('infomin_plugin/engine', 'tools')
            for path in (ROOT / folder).rglob('*.py')]
    theirs = [inspect.getsource(inspect.getmodule(runner)) for runner in (Runner, FlexibleRunner)]
    read = {key for source in [*ours, *theirs] for key in keys_read(source)}
    assert len(read) > 40 and read - KNOWN_KEYS == WRITTEN


@pytest.mark.parametrize('text, words', [
    ('a = 1\nb = (\nc = 3\n', r"bad.py, line 2: '\(' was never closed: b = \("),
    ('a = 1\n\nb = a + c\n', r"bad.py, line 3: NameError: name 'c' is not defined"),
])
def test_a_file_that_is_no_config_is_named_with_its_line(tmp_path, text, words):
    (tmp_path / 'bad.py').write_text(text)
    (tmp_path / 'on_it.py').write_text("_base_ = 'bad.py'\n")
    with pytest.raises(ValueError, match=words):
        read_config(tmp_path / 'bad.py')
    with pytest.raises(ValueError, match=words.replace('bad.py', r'(bad.py|on_it.py.*)')):
        read_config(tmp_path / 'on_it.py')


def test_a_file_and_words_together(tmp_path):
    (tmp_path / 'some.py').write_text('train_cfg = dict(max_epochs=2)\n')
    assert configured(tmp_path / 'some.py', ['train_cfg.max_epochs=5']).train_cfg.max_epochs == 5
    with pytest.raises(ValueError, match="some.py has no setting 'train_fcg'"):
        configured(tmp_path / 'some.py', ['train_fcg.max_epochs=5'])
    with pytest.raises(FileNotFoundError):
        configured(tmp_path / 'other.py')
