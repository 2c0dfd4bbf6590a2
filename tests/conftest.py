import pytest
from mmengine.registry import DefaultScope


def pytest_addoption(parser):
    parser.addoption('--cases', type=int, default=100,
                     help='changed files of each kind that the fuzz tests read')
    parser.addoption('--fuzz-seed', type=int, default=0, help='of the changes')


@pytest.fixture(scope='module', autouse=True)
def default_scope():
    """Put MMEngine's default scope back after each module: a runner sets it for the process."""
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


@pytest.fixture(scope='session')
def images(tmp_path_factory):
    """A plain tree of six images, some of them in sub-folders; to read only."""
    from training_sets import write_image_tree
    return write_image_tree(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='session')
def mini(tmp_path_factory):
    """A mini set in all its forms; to read only."""
    from training_sets import write_mini
    return write_mini(tmp_path_factory.mktemp('data') / 'mini')
