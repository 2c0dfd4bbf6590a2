"""MMEngine's runner, with the config resolved and checked before anything is built."""

from copy import deepcopy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.runner import BaseLoop
from torch import nn

from infomin_plugin.environment import check_environment
from infomin_plugin.registry import RUNNERS

from ..results.overridden import overridden_settings
from ..resume.position import KEY, describe_position
from ..settings.bank_length import fill_bank_length
from ..settings.class_folders import fill_num_classes
from ..settings.detection_data import fill_detection_data
from ..settings.named_settings import named_settings
from ..settings.photometry import place_photometry
from ..settings.preflight import check_batches, check_source_ratio
from ..settings.pretrained import place_pretrained, verify_pretrained
from ..settings.reroot import reroot
from .checked_runner import CheckedRunner
from .durable_runner import DurableRunner
from .fault_runner import FaultRunner
from .hooked_runner import HookedRunner
from .launch import start_without_gpu
from .loops import resumable
from .step_runner import StepRunner


@RUNNERS.register_module()
class InfoMinRunner(CheckedRunner, StepRunner, DurableRunner, FaultRunner, HookedRunner):
    """Runner of every config of this project: ``runner_type = 'infomin_plugin.InfoMinRunner'``.

    MMEngine's own train tools (of mmdet, mmselfsup, ``mim train``) honour that key. On top of
    MMEngine it understands ``data_root`` (:func:`reroot`), ``photometry``
    (:func:`place_photometry`), ``data_form`` (:func:`fill_detection_data`), a missing number of
    classes (:func:`fill_num_classes`) and ``pretrained`` (:func:`place_pretrained`), and runs
    several processes on CPUs with gloo. The config that it dumps has all of them written out.
    Its bases bring checks of what a config names, what a step needs, checkpoints that survive,
    words for what goes wrong, and the hooks of every run.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'InfoMinRunner':
        """Resolve a config and build the runner.

        Args:
            cfg (Config): Not changed.

        Raises:
            RuntimeError: If an installed package does not fit, see :func:`check_environment`.
            ValueError: If a key, file or checkpoint does not fit; the message names it.
        """
        check_environment()
        cfg = cfg if isinstance(cfg, Config) else Config(cfg)
        cfg = deepcopy(cfg)  # Config.copy() would share what is nested
        reroot(cfg)
        if cfg.get('method'):
            cfg.overridden = overridden_settings(cfg)
        place_photometry(cfg)
        fill_detection_data(cfg)
        with named_settings(cfg):
            fill_num_classes(cfg)
            fill_bank_length(cfg)
        trunk = place_pretrained(cfg)
        runner = super().from_cfg(cfg)
        if trunk is not None:
            runner.logger.info(str(verify_pretrained(runner.model, trunk)))
        return runner

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build a loop that resumes exactly; refuse batches that cannot work.

        See :mod:`.loops` and :mod:`..settings.preflight`.
        """
        loop = super().build_train_loop(resumable(loop))
        check_source_ratio(loop.dataloader)
        check_batches(loop.dataloader, self.model)
        return loop

    def save_checkpoint(self, *args, meta: dict | None = None, by_epoch: bool = True,
                        **kwargs) -> None:
        """Write a checkpoint that says what was trained: method, length, images, start.

        Args:
            *args: See MMEngine's ``Runner``.
            meta (dict, optional): Further information.
            by_epoch (bool): Whether an epoch has just ended. Defaults to True.
            **kwargs: See MMEngine's ``Runner``.
        """
        position = describe_position(self.train_loop)
        meta = dict(meta or {}, **{KEY: position})
        if method := self.cfg.get('method'):
            meta = dict(meta, pretraining=dict(
                method=method, config=Path(self.cfg.filename or '').stem,
                epochs=self.epoch + by_epoch, planned_epochs=self.max_epochs, seed=self.seed,
                images=position['images'], batch=position['batch'],
                overridden=' '.join(self.cfg.get('overridden', ()))))
        if start := self.cfg.get('initialisation'):
            meta = dict(meta, initialisation=dict(start))
        super().save_checkpoint(*args, meta=meta, by_epoch=by_epoch, **kwargs)

    def setup_env(self, env_cfg: dict) -> None:
        """Start the process group with gloo where there is no GPU, else as MMEngine does."""
        start_without_gpu(self.launcher, env_cfg.get('dist_cfg', {}).get('timeout'))
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap for distributed training; on CPUs without what torch refuses there.

        That is a device id and SyncBN: each process then normalises its own batch.
        """
        if not self.distributed or torch.cuda.is_available():
            return super().wrap_model(model_wrapper_cfg, model)
        model = revert_sync_batchnorm(model)
        if model_wrapper_cfg is not None:
            return super().wrap_model({**model_wrapper_cfg, 'device_ids': None}, model)
        return MMDistributedDataParallel(
            module=model,
            broadcast_buffers=False,
            find_unused_parameters=self.cfg.get('find_unused_parameters', False))
