"""Originals and views before and after learning, for the rows of the table of learned views."""

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn

from infomin_plugin.checkpoints import read_training
from infomin_plugin.registry import MODELS, SCOPE
from infomin_plugin.visualization.generated_views import ViewsRow, draw_view_rows

from ..settings.reroot import reroot
from .experiments import CONTRAST, LEARNING
from .view_learning_rows import Row

_PREFIX = 'generator.'


def draw_rows(rows: Sequence[Row], folder: Path, seed: int, count: int, out: Path) -> None:
    """Draw what the generators of finished rows make of the first test images.

    Args:
        rows (Sequence[Row]): Rows whose stages are done for this seed, at least one.
        folder (Path): Of the table.
        seed (int): Which runs to look at.
        count (int): Images, beside each other.
        out (Path): Picture to write.
    """
    images = _test_images(rows[0], count)
    lines = []
    for row in rows:
        title = ', '.join([row.regime, row.space, *([row.flow] if row.learning else [])])
        set_random_seed(seed)
        cfg = row.config(LEARNING if row.learning else CONTRAST)
        with DefaultScope.overwrite_default_scope(SCOPE):
            generator = MODELS.build(cfg.model.generator)
        generator.init_weights()
        before = _views(generator, images)
        after = None
        if row.learning:
            path = row.checkpoint(folder / row.name / f'seed{seed}', LEARNING)
            state = read_training(path)['state_dict']
            generator.load_state_dict({key.removeprefix(_PREFIX): value for key, value
                                       in state.items() if key.startswith(_PREFIX)})
            after = _views(generator, images)
        lines.append(ViewsRow(title, before, after))
    draw_view_rows(images, lines, out)


@torch.no_grad()
def _views(generator: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    generator.eval()
    return generator.views(images)


def _test_images(row: Row, count: int) -> Tensor:
    """Images spread over the first test set, N×3×H×W, 0…1."""
    cfg = row.config(CONTRAST)
    reroot(cfg)
    loader = next(iter(cfg.read_out.queries.values())).copy()
    with DefaultScope.overwrite_default_scope(SCOPE):
        dataset = Runner.build_dataloader(loader).dataset
    chosen = [dataset[index * len(dataset) // count]['inputs']['views'][0]
              for index in range(count)]
    return torch.stack(chosen).movedim(-1, 1) / 255
