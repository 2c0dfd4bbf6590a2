"""Hooks that every run has, and those that take the place of MMEngine's."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

# By their key in ``run_hooks`` of a config.
RUN_HOOKS = dict(
    step_seed=dict(type='infomin_plugin.StepSeedHook'),
    optimizer_step=dict(type='infomin_plugin.OptimizerStepHook'),
    resume_guard=dict(type='infomin_plugin.ResumeGuardHook'),
    training_data=dict(type='infomin_plugin.TrainingDataHook'),
    start_checks=dict(type='infomin_plugin.StartChecksHook'),
    finite_loss=dict(type='infomin_plugin.FiniteLossHook'),
    collapse_watch=dict(type='infomin_plugin.CollapseWatchHook'),
    preemption=dict(type='infomin_plugin.PreemptionHook'))
# Wherever a config names a hook of MMEngine's, which has the same settings.
REPLACED = dict(CheckpointHook='infomin_plugin.DurableCheckpointHook',
                LoggerHook='infomin_plugin.TolerantLoggerHook')
# Among MMEngine's default hooks, unless a config says which.
RUNTIME_INFO = dict(type='infomin_plugin.DeferredLogHook')


class HookedRunner(Runner):
    """MMEngine's runner with the hooks of this module.

    ``run_hooks = dict(finite_loss=dict(action='skip'), collapse_watch=None)`` in a config changes
    the settings of a hook, or leaves it out; one that ``custom_hooks`` lists is taken from there.
    """

    def register_default_hooks(self, hooks: dict[str, Hook | dict] | None = None) -> None:
        """Register MMEngine's, with a log that does not wait for the device.

        Args:
            hooks (dict, optional): The config's ``default_hooks``.
        """
        super().register_default_hooks(dict(runtime_info=dict(RUNTIME_INFO)) | dict(hooks or {}))

    def register_hook(self, hook: Hook | dict, priority: str | int | None = None) -> None:
        """Register a hook, or that of :data:`REPLACED` which takes its place.

        Args:
            hook (Hook | dict): Built, or a config.
            priority (str | int, optional): See MMEngine's ``Runner``.
        """
        if isinstance(hook, dict) and isinstance(hook.get('type'), str):
            ours = REPLACED.get(hook['type'].removeprefix('mmengine.'))
            hook = {**hook, 'type': ours} if ours else hook
        super().register_hook(hook, priority)

    def register_hooks(self, default_hooks: dict[str, Hook | dict] | None = None,
                       custom_hooks: list[Hook | dict] | None = None) -> None:
        """Register the config's hooks, and those of :data:`RUN_HOOKS` that it does not list.

        Args:
            default_hooks (dict, optional): The config's.
            custom_hooks (list, optional): The config's.

        Raises:
            ValueError: See :func:`run_hooks`.
        """
        super().register_hooks(default_hooks, custom_hooks)
        listed = {type(hook).__name__ for hook in self.hooks}
        for hook in run_hooks(self.cfg.get('run_hooks')):
            if hook['type'].split('.')[-1] not in listed:
                self.register_hook(hook)


def run_hooks(settings: dict | None) -> list[dict]:
    """List the configs of :data:`RUN_HOOKS`, with a config's ``run_hooks`` in them.

    Args:
        settings (dict, optional): By key of :data:`RUN_HOOKS`, settings of that hook, or None to
            leave it out.

    Raises:
        ValueError: If there is no such key.
    """
    settings = settings or {}
    if unknown := sorted(set(settings) - set(RUN_HOOKS)):
        raise ValueError(f'run_hooks has no {", ".join(unknown)}, only {", ".join(RUN_HOOKS)}')
    return [{**hook, **settings.get(key, {})} for key, hook in RUN_HOOKS.items()
            if settings.get(key, {}) is not None]
