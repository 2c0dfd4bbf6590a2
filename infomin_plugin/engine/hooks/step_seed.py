"""Random numbers of a step that depend on the seed and the step alone."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from infomin_plugin.randomness import Purpose, seed_all
from infomin_plugin.registry import HOOKS


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seed Python's, NumPy's and PyTorch's generators before each step, and before validations.

    A resumed run then draws what the undisturbed one did: no state of a generator, of any device,
    has to be stored. Processes draw alike, or each for itself if ``randomness.diff_rank_seed`` is
    set. The runner adds this hook to every config.
    """

    priority = 'HIGHEST'  # before any other hook draws

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        """Seed by the number of steps that are done."""
        seed_all(Purpose.STEP, runner.seed, runner.iter)

    def before_val(self, runner: Runner) -> None:
        """Seed by the number of steps that are done."""
        seed_all(Purpose.VALIDATION, runner.seed, runner.iter)
