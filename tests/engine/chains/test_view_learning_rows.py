import pytest
from experiment_files import FROZEN, LEARN

from infomin_plugin.engine.chains.view_learning_rows import read_row


@pytest.fixture
def configs(tmp_path):
    for name, text in (('learn', LEARN), ('frozen', FROZEN)):
        (tmp_path / f'{name}.py').write_text(text)
    return tmp_path


def test_a_config_says_what_the_row_is(configs):
    learned, raw = read_row(configs / 'learn.py'), read_row(configs / 'frozen.py')
    assert (learned.name, learned.regime, learned.space, learned.flow, learned.published) == (
        'learn', 'semi-supervised', 'YDbDr', 'nvp', '87.0 ± 0.3')
    assert learned.learning == configs / 'learn.py'
    assert learned.contrast == raw.contrast == configs / 'frozen.py'
    assert (raw.regime, raw.space, raw.flow, raw.published, raw.learning) == (
        'raw', 'RGB', '–', '81.5 ± 0.2', None)


def test_other_configs_are_refused(configs):
    (configs / 'other.py').write_text("model = dict(type='InfoMin')")
    with pytest.raises(ValueError, match='no config of learned or raw views: it has no regime'):
        read_row(configs / 'other.py')
