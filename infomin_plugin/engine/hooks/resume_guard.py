"""A training goes on only from a checkpoint that holds all of it, and of the same model."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from infomin_plugin.registry import HOOKS

from ..resume.position import check_position
from ..settings.preflight import check_resumable, check_training_state


@HOOKS.register_module()
class ResumeGuardHook(Hook):
    """Look at a checkpoint before the model takes anything from it.

    It does so only where the config says ``resume``; weights alone are loaded as they are.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check a checkpoint that was read.

        Args:
            runner (Runner): With the model as the config builds it.
            checkpoint (dict): See MMEngine's ``Runner.save_checkpoint``.

        Raises:
            ValueError: See :func:`check_resumable`, :func:`check_training_state` and
                :func:`check_position`.
        """
        if runner.cfg.get('resume'):
            check_resumable(checkpoint.get('state_dict', {}), runner.model)
            check_training_state(checkpoint)
            check_position(checkpoint['meta'], runner.train_loop,
                           runner.cfg.get('allow_changed_data', False))
