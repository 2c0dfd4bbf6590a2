"""What happens during training and is not the method."""

from .cached_trunk import CachedTrunkHook
from .collapse_watch import CollapseWatchHook
from .finite_loss import FiniteLossHook
from .knn import KNNHook
from .precise_bn import PreciseBNHook
from .start_checks import StartChecksHook
from .tolerant_logger import TolerantLoggerHook
from .training_data import TrainingDataHook
from .view_pictures import ViewPicturesHook

__all__ = ['CachedTrunkHook', 'CollapseWatchHook', 'FiniteLossHook', 'KNNHook', 'PreciseBNHook',
           'StartChecksHook', 'TolerantLoggerHook', 'TrainingDataHook', 'ViewPicturesHook']
