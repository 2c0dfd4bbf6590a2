"""Pictures of the views while a generator learns them."""

from copy import deepcopy
from pathlib import Path

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from infomin_plugin.registry import HOOKS
from infomin_plugin.visualization.generated_views import ViewsRow, draw_view_rows


@HOOKS.register_module()
class ViewPicturesHook(Hook):
    """Draw originals, their views at the start of the run, and as they are now.

    A collapse is seen when it happens: a channel that has become constant is mid-grey. Pictures go
    to ``views/iter_N.png`` in the work directory.

    Args:
        interval (int): Iterations between two pictures, at least 1.
        count (int): Images of the batch that are drawn, at least 1. Defaults to 2.

    Raises:
        ValueError: If an argument is below 1.
    """

    def __init__(self, interval: int, count: int = 2) -> None:
        if interval < 1 or count < 1:
            raise ValueError(f'interval and count must be at least 1, got {interval} and {count}')
        self.interval = interval
        self.count = count

    def before_train(self, runner: Runner) -> None:
        """Keep the generator as the run finds it."""
        self.start = deepcopy(self._generator(runner)).requires_grad_(False)

    @master_only
    @torch.no_grad()
    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Draw the first images of the batch, every ``interval`` iterations."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        images = model.data_preprocessor(data_batch)['inputs']['views'][0][:self.count]
        row = ViewsRow('views', self.start.views(images), self._generator(runner).views(images))
        out = Path(runner.work_dir) / 'views' / f'iter_{runner.iter + 1}.png'
        out.parent.mkdir(parents=True, exist_ok=True)
        draw_view_rows(images, [row], out)

    @staticmethod
    def _generator(runner: Runner) -> nn.Module:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        generator = model.generator
        return generator.module if is_model_wrapper(generator) else generator
