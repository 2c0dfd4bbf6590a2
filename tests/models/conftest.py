import pytest
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True)
def _scope():
    """Find our modules by their bare names, whatever scope an earlier test has left."""
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield
