"""A runner that finds faults early, stops them from spreading and says what to do about them."""

import os

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from .fault_messages import TrainingFault, explained
from .storage import check_work_dir, disk_state

# key of ``faults`` in a config -> hook and its settings
FAULT_HOOKS = dict(
    start_checks=dict(type='infomin_plugin.StartChecksHook'),
    training_data=dict(type='infomin_plugin.TrainingDataHook'),
    finite_loss=dict(type='infomin_plugin.FiniteLossHook'),
    collapse_watch=dict(type='infomin_plugin.CollapseWatchHook'))
# hooks of MMEngine that ours take the place of
_REPLACED = {'LoggerHook': 'infomin_plugin.TolerantLoggerHook'}


class FaultRunner(Runner):
    """MMEngine's runner with the hooks of :data:`FAULT_HOOKS`, and errors that can be acted upon.

    ``faults = dict(finite_loss=dict(action='skip'), collapse_watch=None)`` in a config changes the
    settings of a hook, or leaves it out. ``docs/faults.md`` lists what is watched.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'FaultRunner':
        """Build the runner, if its work dir can be written to.

        Args:
            cfg (Config): With ``work_dir``.

        Raises:
            ValueError: See :func:`check_work_dir`.
        """
        check_work_dir(cfg['work_dir'])
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Set up the environment; a collective of NCCL that hangs ends by its time-out.

        torchrun asks NCCL for that, Slurm and MPI do not.

        Args:
            env_cfg (dict): See MMEngine's ``Runner``.
        """
        os.environ.setdefault('NCCL_ASYNC_ERROR_HANDLING', '1')
        super().setup_env(env_cfg)

    def register_hook(self, hook: Hook | dict, priority: str | int | None = None) -> None:
        """Register a hook, or ours in the place of one of MMEngine's.

        Args:
            hook (Hook | dict): Built, or a config.
            priority (str | int, optional): See MMEngine's ``Runner``.
        """
        if isinstance(hook, dict) and hook.get('type') in _REPLACED:
            hook = {**hook, 'type': _REPLACED[hook['type']]}
        super().register_hook(hook, priority)

    def register_hooks(self, default_hooks: dict | None = None,
                       custom_hooks: list | None = None) -> None:
        """Register the config's hooks, and those of :data:`FAULT_HOOKS` that it does not list.

        Args:
            default_hooks (dict, optional): See MMEngine's ``Runner``.
            custom_hooks (list, optional): See MMEngine's ``Runner``.

        Raises:
            ValueError: See :func:`fault_hooks`.
        """
        super().register_hooks(default_hooks, custom_hooks)
        listed = {type(hook).__name__ for hook in self.hooks}
        for hook in fault_hooks(self.cfg.get('faults')):
            if hook['type'].split('.')[-1] not in listed:
                self.register_hook(hook)

    def train(self) -> nn.Module:
        """Train; errors whose cause lies outside of this program say what to do.

        Raises:
            TrainingFault: See :func:`explained`.
        """
        with explained(self.work_dir):
            return super().train()

    def save_checkpoint(self, out_dir: str, filename: str, *args, **kwargs) -> None:
        """Write a checkpoint.

        Args:
            out_dir (str): Folder.
            filename (str): In it.
            *args: See MMEngine's ``Runner``.
            **kwargs: See MMEngine's ``Runner``.

        Raises:
            TrainingFault: If the file cannot be written; names it and the room on its disk.
        """
        try:
            super().save_checkpoint(out_dir, filename, *args, **kwargs)
        except OSError as error:
            raise TrainingFault(f'checkpoint {os.path.join(out_dir, filename)} could not be '
                                f'written: {error}; {disk_state(out_dir)}. Make room, or set '
                                'another work_dir or default_hooks.checkpoint.max_keep_ckpts'
                                ) from error


def fault_hooks(settings: dict | None) -> list[dict]:
    """List the configs of :data:`FAULT_HOOKS`, with a config's ``faults`` in it.

    Args:
        settings (dict, optional): By key of :data:`FAULT_HOOKS`, settings of that hook, or None to
            leave it out.

    Raises:
        ValueError: If there is no such key.
    """
    settings = settings or {}
    if unknown := sorted(set(settings) - set(FAULT_HOOKS)):
        raise ValueError(f'faults has no {unknown}, only {sorted(FAULT_HOOKS)}')
    return [{**hook, **settings.get(key, {})} for key, hook in FAULT_HOOKS.items()
            if settings.get(key, {}) is not None]
