"""torchvision's ImageNet weights for the backbone of a config: the supervised row of a table."""

import hashlib
from pathlib import Path

import torch
import torchvision
from filelock import FileLock
from mmengine.config import ConfigDict
from torchvision.models import get_model_weights, list_models

from infomin_plugin.checkpoints import Architecture, CheckpointError

SUPERVISED = 'supervised'
# what the two families of configs call the channels of a ResNeXt's group, and leave it to be
WIDTH_KEYS, DEFAULT_WIDTH = ('base_width', 'width_per_group'), 4  # mmdet's, mmcls's


def architecture_of(part: ConfigDict) -> Architecture | None:
    """Tell which ResNet the config of a backbone, or of a C4 detector's shared head, asks for.

    Args:
        part (ConfigDict): With ``type`` and, as far as they are not the default, ``depth``,
            ``base_channels``, ``groups`` and ``base_width`` or ``width_per_group``.

    Returns:
        Architecture | None: None if it does not say its depth, or is a ResNeXt that does not say
        its groups (mmdet's default is 1, mmcls's 32).
    """
    if 'depth' not in part or (part.type.endswith('ResNeXt') and 'groups' not in part):
        return None
    base_channels, groups = part.get('base_channels', 64), part.get('groups', 1)
    group_width = next((part[key] for key in WIDTH_KEYS if key in part), DEFAULT_WIDTH)
    return Architecture(
        depth=part.depth,
        base_channels=base_channels,
        width=groups * group_width if groups > 1 else base_channels,
        groups=groups)


def supervised_file(backbone: ConfigDict) -> Path:
    """Find torchvision's ``IMAGENET1K_V1`` weights of a backbone; the web is asked only once.

    These are the weights that self-supervised ones are usually compared with, trained by the
    plain recipe; ``resnext101_64x4d`` alone has been trained by torchvision's newer and stronger
    one. The file lies where ``torch.hub`` keeps its own (``TORCH_HOME``).

    Args:
        backbone (ConfigDict): See :func:`architecture_of`.

    Returns:
        Path: The file, whose SHA-256 is the one of torchvision's.

    Raises:
        ValueError: If there are no such weights, or the config does not say of which network.
        ConnectionError: If they are not on this machine and cannot be downloaded.
        CheckpointError: If the file is another one.
    """
    architecture = architecture_of(backbone)
    if architecture is None:
        raise ValueError(
            f'pretrained is {SUPERVISED!r}, but the {backbone.type} of the model does not say '
            'which ResNet it is: set its depth and, of a ResNeXt, groups and base_width, or give '
            '--pretrained FILE')
    known = [name for name in list_models(torchvision.models) if 'resne' in name]
    if str(architecture) not in known:
        raise ValueError(
            f'pretrained is {SUPERVISED!r}, but torchvision has no weights of {architecture}, the '
            f'{backbone.type} of the model; it has {", ".join(known)}. Give --pretrained FILE')
    return download(get_model_weights(str(architecture)).IMAGENET1K_V1.url)


def download(url: str) -> Path:
    """Get a file of weights whose name ends with the start of its SHA-256, unless it is there.

    Several processes may ask at once: one of them downloads.

    Args:
        url (str): Ending as ``-<hash>.pth``.

    Returns:
        Path: The file, in the folder where ``torch.hub`` keeps its own.

    Raises:
        ConnectionError: If it cannot be downloaded.
        CheckpointError: If the hash is another one.
    """
    path = Path(torch.hub.get_dir(), 'checkpoints', url.rsplit('/', 1)[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    start = path.stem.rsplit('-', 1)[-1]
    with FileLock(f'{path}.lock'):
        if not path.exists():
            try:
                torch.hub.download_url_to_file(url, str(path), hash_prefix=start)
            except OSError as error:
                raise ConnectionError(f'{url} cannot be downloaded: {error}. Put it to {path} by '
                                      'hand, or give --pretrained FILE') from error
            except RuntimeError as error:
                raise CheckpointError(f'{url} is not the file that its name says: {error}. '
                                      'Nothing was kept; give --pretrained FILE') from error
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if not found.startswith(start):
        raise CheckpointError(f'{path} is not the file of {url}: its SHA-256 begins with '
                              f'{found[:8]}. Remove it and start again, or give --pretrained FILE')
    return path
