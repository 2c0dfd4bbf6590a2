"""What the settings of a run have to do with its step: rates, memory layout."""

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn

from .warm_up import warm_up_schedulers


class StepRunner(Runner):
    """MMEngine's runner with three more keys.

    ``channels_last = True`` lays out weights and batches with the channels innermost; ``warm_up``
    is that of :func:`warm_up_schedulers`; ``auto_scale_lr`` counts accumulated batches as well.
    """

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model, channels last if the config wants it.

        Args:
            model (nn.Module | dict): Built already, or a config.
        """
        model = super().build_model(model)
        if self.cfg.get('channels_last'):
            model = model.to(memory_format=torch.channels_last)
            if hasattr(model.data_preprocessor, 'channels_last'):
                model.data_preprocessor.channels_last = True
        return model

    def scale_lr(self, optim_wrapper: OptimWrapper, auto_scale_lr: dict | None = None) -> None:
        """Scale rates with the images of an optimiser step, accumulated ones as well.

        Args:
            optim_wrapper (OptimWrapper): Whose rates.
            auto_scale_lr (dict, optional): The config's.
        """
        if auto_scale_lr and auto_scale_lr.get('enable'):
            auto_scale_lr = dict(auto_scale_lr, base_batch_size=(
                auto_scale_lr['base_batch_size'] / _accumulated(self.cfg)))
        super().scale_lr(optim_wrapper, auto_scale_lr)

    def build_param_scheduler(self, scheduler: list | dict) -> list | dict:
        """Build the schedulers, a warm-up in front where the config and the batch want one.

        Args:
            scheduler (list | dict): The config's ``param_scheduler``.

        Raises:
            ValueError: See :func:`warm_up_schedulers`.
        """
        if self.cfg.get('warm_up') and not isinstance(self.optim_wrapper, OptimWrapperDict):
            batch = self.train_dataloader.batch_size * self.world_size * _accumulated(self.cfg)
            rates = [group['lr'] for group in self.optim_wrapper.param_groups]
            listed = scheduler if isinstance(scheduler, list) else [scheduler]
            scheduler = warm_up_schedulers(self.cfg.warm_up, batch, rates) + listed
        return super().build_param_scheduler(scheduler)


def _accumulated(cfg: dict) -> int:
    return (cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
