"""Registries of the plugin, children of MMEngine's.

The scope is the package's name. MMEngine imports ``<scope>.registry`` of a scope that it does not
know yet, so a config that says ``default_scope = 'infomin_plugin'`` or names a module
``infomin_plugin.X`` needs no ``custom_imports``.
"""

from mmengine import registry as root
from mmengine.registry import Registry

SCOPE = 'infomin_plugin'


def _child(parent: Registry, location: str | None = None) -> Registry:
    locations = [f'{SCOPE}.{location}'] if location else []
    return Registry(parent.name, parent=parent, scope=SCOPE, locations=locations)


DATASETS = _child(root.DATASETS, 'datasets')
TRANSFORMS = _child(root.TRANSFORMS, 'datasets')
MODELS = _child(root.MODELS, 'models')
HOOKS = _child(root.HOOKS, 'engine')
LOOPS = _child(root.LOOPS, 'engine')
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
RUNNERS = _child(root.RUNNERS, 'engine')

# Nothing of ours is in these yet. Without them MMEngine warns at each look-up that it falls back
# to its own.
DATA_SAMPLERS = _child(root.DATA_SAMPLERS)
EVALUATOR = _child(root.EVALUATOR)
LOG_PROCESSORS = _child(root.LOG_PROCESSORS)
METRICS = _child(root.METRICS)
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS)
OPTIMIZERS = _child(root.OPTIMIZERS)
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS)
VISBACKENDS = _child(root.VISBACKENDS)
VISUALIZERS = _child(root.VISUALIZERS)
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS)
