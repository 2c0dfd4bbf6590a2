"""A runner that ends before its first step, in a sentence, where it cannot work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.runner import BaseLoop, Runner
from torch import nn

from ..faults.setup_error import setting_up
from ..settings.data_sets import TEST, TRAIN, check_data
from ..settings.named_settings import named_settings


class CheckedRunner(Runner):
    """MMEngine's runner with a :class:`SetupError` for data and settings that do not fit.

    MMEngine builds data sets, loops and optimisers when it is told to train.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'CheckedRunner':
        """Build the runner.

        Args:
            cfg (Config): Resolved.

        Raises:
            SetupError: See :func:`named_settings`.
        """
        with named_settings(cfg):
            return super().from_cfg(cfg)

    def train(self) -> nn.Module:
        """Train, if the data of training and validation are there.

        Raises:
            SetupError: See :func:`check_data`; or if data or settings do not fit.
        """
        check_data(self.cfg, TRAIN)
        return super().train()

    def test(self) -> dict:
        """Test, if the data are there.

        Raises:
            SetupError: See :meth:`train`.
        """
        check_data(self.cfg, TEST)
        return super().test()

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of a ``train_cfg``, with its data."""
        with self._setting_up():
            return super().build_train_loop(loop)

    def build_val_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of a ``val_cfg``, with its data and metrics."""
        with self._setting_up():
            return super().build_val_loop(loop)

    def build_test_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop of a ``test_cfg``, with its data and metrics."""
        with self._setting_up():
            return super().build_test_loop(loop)

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build the optimiser of an ``optim_wrapper``."""
        with self._setting_up():
            return super().build_optim_wrapper(optim_wrapper)

    def build_param_scheduler(self, scheduler: list | dict) -> list | dict:
        """Build the schedulers of a ``param_scheduler``."""
        with self._setting_up():
            return super().build_param_scheduler(scheduler)

    @contextmanager
    def _setting_up(self) -> Iterator[None]:
        with setting_up(), named_settings(self.cfg):
            yield
