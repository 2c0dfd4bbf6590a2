"""Tells a model that its optimiser has stepped."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner

from infomin_plugin.registry import HOOKS


@HOOKS.register_module()
class OptimizerStepHook(Hook):
    """Call the model's ``after_optimizer_step()``, if it has one, where the optimiser has stepped.

    That is after every ``accumulative_counts`` iterations, and after the last of the run. A step
    that mixed precision skips, since a gradient overflowed, counts: the batch's keys are as good as
    any, and the momentum encoder moves towards an encoder that stayed. Comes before other hooks of
    an iteration, so that checkpoints and measurements see the memory as the next step will.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Look whether this iteration was one with a step."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        wrapper = runner.optim_wrapper
        players = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else (wrapper, )
        if hasattr(model, 'after_optimizer_step') and any(
                player.should_update() for player in players):
            model.after_optimizer_step()
