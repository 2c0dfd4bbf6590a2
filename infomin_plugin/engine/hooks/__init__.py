"""What happens during training and is not the method."""

from .cached_trunk import CachedTrunkHook
from .collapse_watch import CollapseWatchHook
from .deferred_log import DeferredLogHook
from .durable_checkpoint import DurableCheckpointHook
from .finite_loss import FiniteLossHook
from .knn import KNNHook
from .optimizer_step import OptimizerStepHook
from .precise_bn import PreciseBNHook
from .preemption import PreemptionHook
from .resume_guard import ResumeGuardHook
from .start_checks import StartChecksHook
from .step_seed import StepSeedHook
from .tolerant_logger import TolerantLoggerHook
from .training_data import TrainingDataHook
from .view_pictures import ViewPicturesHook

__all__ = ['CachedTrunkHook', 'CollapseWatchHook', 'DeferredLogHook', 'DurableCheckpointHook',
           'FiniteLossHook', 'KNNHook', 'OptimizerStepHook', 'PreciseBNHook', 'PreemptionHook',
           'ResumeGuardHook', 'StartChecksHook', 'StepSeedHook', 'TolerantLoggerHook',
           'TrainingDataHook', 'ViewPicturesHook']
