"""Hooks of every training, without a config naming them."""

from collections.abc import Sequence

from mmengine.hooks import Hook

DEFAULT_HOOKS = (dict(type='infomin_plugin.StepSeedHook'), )


def with_default_hooks(hooks: Sequence[Hook | dict] | None) -> list[Hook | dict]:
    """Put those of :data:`DEFAULT_HOOKS` that a config does not list before its own."""
    hooks = list(hooks or ())
    listed = {_name(hook) for hook in hooks}
    return [hook for hook in DEFAULT_HOOKS if _name(hook) not in listed] + hooks


def _name(hook: Hook | dict) -> str:
    kind = hook['type'] if isinstance(hook, dict) else type(hook)
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
