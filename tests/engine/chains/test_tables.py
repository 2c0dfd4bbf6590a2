from pathlib import Path

import pytest
from mmengine.config import Config
from table_files import TABLE, write_project

from infomin_plugin.engine.chains.launchers import Launcher
from infomin_plugin.engine.chains.tables import read_table

ROOT = Path(__file__).parents[3]
TABLES = sorted(ROOT.glob('configs/tables/*.py'))


@pytest.fixture
def table(tmp_path):
    return read_table(write_project(tmp_path), tmp_path)


def configs_of(table, name):
    row = table.row(name, Launcher('none', 0))
    return [stage.config for stage in [row.pretrain, *row.measures] if stage]


@pytest.mark.parametrize('path', TABLES, ids=lambda path: path.stem)
def test_every_config_that_a_table_names_is_there(path):
    table = read_table(path, ROOT)
    named = {config for name in table.settings for config in configs_of(table, name)}
    assert named and [name for name in named if not (ROOT / name).is_file()] == []


def test_a_row_is_named_after_the_method_of_its_config():
    rows = [row for path in TABLES for row in read_table(path, ROOT).settings.values()]
    assert all(row.method == row.pretrained for row in rows if 'pretrained' in row)
    # once each: it takes a while to read them
    methods = {(row.pretrain, row.method) for row in rows if 'pretrain' in row}
    assert methods and methods == {
        (path, Config.fromfile(ROOT / path).method) for path in {path for path, _ in methods}}


def test_rows_of_several_tables_are_one_trunk():
    """They share work dir and names, so what they start from has to be the same."""
    starts, measures = {}, {}
    for path in TABLES:
        table = read_table(path, ROOT)
        if table.work_dir != Path('work_dirs/tables'):
            continue
        for name, row in table.settings.items():
            start = (row.get('pretrain'), row.get('pretrained'), row.get('options'))
            assert starts.setdefault(name, start) == start
            for measure in table.row(name, Launcher('none', 0)).measures:
                assert measures.setdefault((name, measure.name), measure) == measure
    assert len(starts) > 20


@pytest.mark.parametrize('path', TABLES, ids=lambda path: path.stem)
def test_what_is_measured_fits_the_trunk(path):
    """Number of views and, where it is not ResNet-50, encoder, as the names of files say."""
    table = read_table(path, ROOT)
    for name in table.settings:
        measures = table.row(name, Launcher('none', 0)).measures
        assert {'two-view' in each.config for each in measures} == {name.startswith('cmc')}
        for encoder, short in (('resnet101', '_r101'), ('resnext101', '_x101'),
                               ('resnet152', '_r152'), ('resnext152', '_x152')):
            for config in configs_of(table, name):
                assert (encoder in name) == (encoder in config or short in config)


def test_what_a_row_measures(table):
    launcher = Launcher('pytorch', 2)
    assert [m.name for m in table.row('random', launcher).measures] == [
        'read_out', 'voc', 'unseen']
    assert [m.name for m in table.row('cmc', launcher).measures] == ['voc', 'unseen']
    # a test needs its training
    assert [m.name for m in table.row('random', launcher, ['unseen']).measures] == [
        'voc', 'unseen']
    alone = table.row('infomin-long', launcher, ['pretrain'])
    assert alone.measures == () and alone.pretrain.config == 'infomin.py'


def test_options_go_where_they_are_sent(table):
    row = table.row('cmc', Launcher('none', 0), options=[
        'data_root=D', 'pretrain:data_root=I', 'voc:depth=50', 'unseen:x=a:b'])
    voc, unseen = row.measures
    assert row.pretrain.options == ('data_root=I',)
    assert voc.options == ('split=test', 'depth=50', 'data_root=D')
    assert unseen.options == ('split=unseen', 'depth=50', 'data_root=D', 'x=a:b')
    assert voc.config == unseen.config == 'two-view.py'


def test_options_of_a_row_are_those_of_its_pretraining(table):
    row = table.row('infomin-long', Launcher('none', 0), options=['lr=1'])
    assert row.pretrain.options == ('train_cfg.max_epochs=9', 'lr=1')
    assert row.measures[0].options == ('lr=1',)


def test_selection(table):
    assert table.select(['all']) == ['random', 'infomin-long', 'cmc']
    assert table.select(['all'], ['read_out']) == ['random', 'infomin-long']
    assert table.select(['all'], ['pretrain']) == ['infomin-long', 'cmc']
    assert table.select(['cmc', 'random']) == ['cmc', 'random']


@pytest.mark.parametrize('names, only, words', [
    (['simclr'], [], r"has no row 'simclr'; it has random, infomin-long, cmc"),
    (['cmc', 'cmc'], [], 'a row is named twice'),
    (['all'], ['coco'], r"measures no 'coco', but pretrain, read_out, voc, unseen"),
    (['cmc'], ['read_out'], r'the row cmc of .* has none of read_out, but pretrain, voc, unseen'),
    (['random'], ['pretrain'], r'has none of pretrain, but read_out, voc, unseen'),
])
def test_wrong_selections(table, names, only, words):
    with pytest.raises(ValueError, match=words):
        table.select(names, only)


@pytest.mark.parametrize('option, words', [
    ('coco:a=1', r"'coco:a=1' is for 'coco', but the stages of .* are pretrain, read_out, voc"),
    ('a', r"'a' has no \"=\": settings are given as KEY=VALUE"),
])
def test_wrong_options(table, option, words):
    with pytest.raises(ValueError, match=words):
        table.row('random', Launcher('none', 0), options=[option])


@pytest.mark.parametrize('change, words', [
    ('measures = []', r'measures must be of type dict, got \[\]'),
    ('rows = 3', 'rows must be of type dict, got 3'),
    ("gpus = 'two'", "gpus must be of type int, got 'two'"),
    ("measures['voc'] = 'detector.py'", r"measures\['voc'\] must be a dict, got 'detector.py'"),
    ('rows = dict(', r"table.py, line \d+: '\(' was never closed"),
])
def test_values_of_another_kind(tmp_path, change, words):
    path = write_project(tmp_path)
    path.write_text(f'{TABLE}\n{change}\n')
    with pytest.raises(ValueError, match=words):
        read_table(path, tmp_path)


@pytest.mark.parametrize('old, new, words', [
    ("work_dir = 'runs'", '', 'is no table: it has no work_dir'),
    ("'infomin.py'", "'infomin.py', pretrained='random'", r"rows\['infomin-long'\] needs a method"),
    ("method='random', ", '', r"rows\['random'\] needs a method, and either"),
    ("method='CMC'", "method='CMC', epochs=3", r"rows\['cmc'\] has 'epochs'; known are changes"),
    ("['voc', 'unseen']", "['coco']", r"'coco' is none of the measures, read_out, voc, unseen"),
    ("['voc', 'unseen']", "['unseen']", 'unseen is a test of voc, which the row leaves out'),
    ("'random': dict", "'all': dict", r"rows\['all'\]: a row must have another name"),
    ("kind='read_out'", "kind='knn'", "kind must be one of training, test, read_out, got 'knn'"),
    ("of='voc'", "of='read_out'", r"of='read_out' is no training of this table"),
    ("of='voc', ", '', r"measures\['unseen'\]: a test, and only a test, is `of` a training"),
    ("config='out.py'", '', 'read_out has no config, here or in measures'),
])
def test_wrong_tables(tmp_path, old, new, words):
    write_project(tmp_path)
    assert TABLE.count(old) == 1 or old == "'infomin.py'"
    path = tmp_path / 'wrong.py'
    path.write_text(TABLE.replace(old, new, 1))
    with pytest.raises(ValueError, match=words):
        read_table(path, tmp_path)
