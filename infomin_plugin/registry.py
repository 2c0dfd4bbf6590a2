"""Registries of the plugin, children of MMEngine's.

The scope is the package's name. MMEngine imports ``<scope>.registry`` of a scope that it does not
know yet, so a config that says ``default_scope = 'infomin_plugin'`` or names a module
``infomin_plugin.X`` needs no ``custom_imports``.
"""

from mmengine import registry as root

SCOPE = 'infomin_plugin'


def _child(parent: root.Registry, location: str) -> root.Registry:
    return root.Registry(
        parent.name, parent=parent, scope=SCOPE, locations=[f'{SCOPE}.{location}'])


DATASETS = _child(root.DATASETS, 'datasets')
TRANSFORMS = _child(root.TRANSFORMS, 'datasets')
MODELS = _child(root.MODELS, 'models')
HOOKS = _child(root.HOOKS, 'engine')
RUNNERS = _child(root.RUNNERS, 'engine')
