from mmengine.config import Config

from infomin_plugin.engine.settings.reroot import reroot

TEXT = """
data_root = 'data/set/'
work_dir = 'data/set/work'
other = 'data/settings'
train_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='train.txt'),
    files=[data_root + 'a.txt', ('data/set', 3)])
evaluator = dict(ann_file=data_root + 'annotations/val.json')
"""


def config(tmp_path, **options):
    path = tmp_path / 'config.py'
    path.write_text(TEXT)
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(options)
    reroot(cfg)
    return cfg


def test_moves_every_path_below_the_root_and_nothing_else(tmp_path):
    cfg = config(tmp_path, data_root='/elsewhere')
    assert cfg.train_dataloader.dataset.data_root == '/elsewhere/'
    assert cfg.train_dataloader.dataset.ann_file == 'train.txt'
    assert cfg.train_dataloader.files == ['/elsewhere/a.txt', ('/elsewhere', 3)]
    assert cfg.evaluator.ann_file == '/elsewhere/annotations/val.json'
    assert cfg.other == 'data/settings'
    assert cfg.work_dir == 'data/set/work'


def test_is_what_editing_the_file_would_give(tmp_path):
    edited = tmp_path / 'edited.py'
    edited.write_text(TEXT.replace("data_root = 'data/set/'", "data_root = 'new/root/'"))
    cfg, expected = config(tmp_path, data_root='new/root/'), Config.fromfile(edited)
    assert cfg.evaluator == expected.evaluator
    assert cfg.train_dataloader.dataset == expected.train_dataloader.dataset


def test_leaves_a_config_without_a_new_root(tmp_path):
    assert config(tmp_path).evaluator.ann_file == 'data/set/annotations/val.json'


def test_leaves_a_config_that_is_no_file():
    cfg = Config(dict(data_root='a', path='b/c'))
    reroot(cfg)
    assert cfg.path == 'b/c'
