"""Hooks that every run has."""

from collections.abc import Sequence

from mmengine.hooks import Hook

# A config may list one of them itself, with other settings.
DEFAULT_HOOKS = (dict(type='infomin_plugin.StepSeedHook'),
                 dict(type='infomin_plugin.OptimizerStepHook'))


def with_default_hooks(hooks: Sequence[Hook | dict] | None) -> list[Hook | dict]:
    """Add the hooks of every run to those that a config lists, where it does not list them.

    Args:
        hooks (Sequence[Hook | dict], optional): The config's ``custom_hooks``.
    """
    hooks = list(hooks or ())
    listed = {_name(hook) for hook in hooks}
    return [dict(hook) for hook in DEFAULT_HOOKS if _name(hook) not in listed] + hooks


def _name(hook: Hook | dict) -> str:
    kind = hook['type'] if isinstance(hook, dict) else type(hook)
    return (kind if isinstance(kind, str) else kind.__name__).split('.')[-1]
