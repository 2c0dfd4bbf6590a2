"""What read-outs of narrow trunks are tested with."""

from pathlib import Path

import numpy as np
import torch
from mmcls.models.backbones import ResNet
from PIL import Image

CONFIGS = Path(__file__).parents[2] / 'configs'
CLASSES = ('ant', 'bee', 'cat', 'dog', 'eel', 'fox')
NARROW = ('model.backbone.depth=18', 'model.backbone.base_channels=8',
          'model.backbone.stem_channels=8', 'model.head.in_channels=64')
IN_PROCESS = tuple(f'{split}_dataloader.{setting}' for split in ('train', 'val', 'test')
                   for setting in ('num_workers=0', 'persistent_workers=False'))
SMALL = tuple(f'{split}_dataloader.dataset.pipeline.1.views.recipe.0.size=32'
              for split in ('train', 'val', 'test'))


def write_colored_classes(root: Path, train=4, val=2, size=(40, 36)) -> Path:
    """Write noise with a colour of its own for each of six classes, below train/ and val/."""
    generator = np.random.default_rng(0)
    for split, count in (('train', train), ('val', val)):
        for number, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                image = generator.integers(120, size=(*size, 3), dtype=np.uint8)
                image[..., number % 3] += 60 + 60 * (number // 3)
                Image.fromarray(image).save(root / split / name / f'{index}.png')
    return root


def write_narrow_trunk(path: Path, seed=0) -> dict[str, torch.Tensor]:
    """Save a ResNet-18 of an eighth of the width, its statistics not those of a new one."""
    torch.manual_seed(seed)
    trunk = ResNet(depth=18, base_channels=8, stem_channels=8)
    trunk.init_weights()
    state = {name: tensor.clone() for name, tensor in trunk.state_dict().items()}
    for name, tensor in state.items():
        if 'running' in name:
            tensor += torch.rand_like(tensor) / 4
        if name.endswith('bn2.weight'):  # a block is little more than its shortcut, not only it
            tensor.fill_(0.1)
    torch.save(state, path)
    return state
