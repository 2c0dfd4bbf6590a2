"""What would end a training after hours is looked for before its first step."""

import math
from typing import Any

from mmengine.dist import get_rank, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from infomin_plugin.datasets.transforms import ImageError, LoadImage
from infomin_plugin.registry import HOOKS

from ..faults.sample_names import sample_name, spread
from ..faults.setup_error import SetupError
from ..faults.storage import check_room, checkpoint_bytes


@HOOKS.register_module()
class StartChecksHook(Hook):
    """Look at a sample of the images, and for room for the checkpoints, before the first step.

    Unreadable images of an :class:`ImageFolder`, which forgives some, are a warning, unless they
    are half of the sample; those of other sets end the training, and do so now.

    Args:
        images (int): How many are decoded of the training and of the validation set, by all
            processes together, evenly spread. Defaults to 32; 0 for none.
        room (bool): Whether to look for room. Defaults to True.

    Raises:
        SetupError: If images are unreadable, or if there is too little room, see
            :func:`check_room`.
    """

    priority = 'VERY_HIGH'

    def __init__(self, images: int = 32, room: bool = True) -> None:
        self.images = images
        self.room = room

    def before_train(self, runner: Runner) -> None:
        """Look at both."""
        if self.images:
            self._check_images(runner, runner.train_dataloader)
            if runner.val_loop is not None:
                self._check_images(runner, runner.val_dataloader)
        if self.room and is_main_process():
            self._check_room(runner)

    def _check_images(self, runner: Runner, loader: DataLoader) -> None:
        dataset = loader.dataset
        looked, problems = 0, []
        for index in spread(len(dataset), self.images)[get_rank()::get_world_size()]:
            name = sample_name(dataset, index)
            if name is None or '://' in name:  # no file, or none of this machine
                return
            looked += 1
            try:
                LoadImage()(dict(img_path=name))
            except ImageError as error:
                problems.append(str(error))
        if not problems:
            return
        more = f'; and {len(problems) - 5} more' if len(problems) > 5 else ''
        problem = (f'{len(problems)} of {looked} images that were tried of {len(dataset)} are '
                   f'unreadable: {"; ".join(problems[:5])}{more}')
        if not _forgives(dataset) or 2 * len(problems) > looked:
            raise SetupError(f'{problem}. Repair or remove them (run_hooks.start_checks.images=0 '
                             'looks at none)')
        runner.logger.warning(problem)

    @staticmethod
    def _check_room(runner: Runner) -> None:
        for hook in runner.hooks:
            if not isinstance(hook, CheckpointHook) or hook.out_dir not in (None, runner.work_dir):
                continue
            size = checkpoint_bytes(runner.model, runner.optim_wrapper)
            kept = hook.max_keep_ckpts
            check_room(runner.work_dir, size, max(kept, 1))
            if kept > 0 or hook.interval < 1:
                continue
            planned = runner.max_epochs if hook.by_epoch else runner.max_iters
            try:
                check_room(runner.work_dir, size, math.ceil(planned / hook.interval))
            except ValueError as error:  # somebody may take files away meanwhile
                runner.logger.warning(str(error))


def _forgives(dataset: Any) -> bool:
    """Tell whether a data set replaces unreadable images, see :class:`ImageFolder`."""
    if hasattr(dataset, 'max_broken'):
        return not dataset.test_mode
    return hasattr(dataset, 'dataset') and _forgives(dataset.dataset)
