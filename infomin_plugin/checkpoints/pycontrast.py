"""The authors' files, PyContrast's: one encoder, or one each for luminance and chrominance.

The encoders have torchvision's names behind ``module.encoder.``, or behind ``module.encoder1.``
(Y, one channel) and ``module.encoder2.`` (Db and Dr, two). What makes and normalises the views is
code there, the same for all files of two modalities: YDbDr of RGB in 0…1, fixed statistics.
"""

import os
from typing import TYPE_CHECKING

import torch

from .files import CheckpointError, describe, writing_aside
from .two_view import SETTINGS, TRUNKS, pack_settings, pack_view_norm

if TYPE_CHECKING:
    from .trunk import Trunk

WRAPPER = 'module.'  # DDP's
ENCODERS = dict(zip(('encoder1.', 'encoder2.'), TRUNKS, strict=True))
VIEWS = {
    SETTINGS: pack_settings(
        dict(type='ColorSpaceGenerator', space='YDbDr', channels=((0, ), (1, 2)))),
    **pack_view_norm(mean=(0.457, -0.082, -0.052), std=(0.500, 1.331, 1.333)),
}


def write_pycontrast(path: str | os.PathLike, trunk: 'Trunk') -> None:
    """Write what PyContrast's read-out and its converter for Detectron2 read: ``model``.

    The heads, the memory and the optimiser are not there: PyContrast cannot resume from the file.

    Args:
        path (str | PathLike): File to write; one that exists is replaced.
        trunk (Trunk): A single trunk, or two on the views of PyContrast.

    Raises:
        CheckpointError: If it is of other views.
        OSError: If the file cannot be written. One that existed is then untouched.
    """
    if trunk.architecture.views > 1:
        _require_its_views(trunk)
        names = {key: f'{WRAPPER}{new}{key.removeprefix(old)}' for new, old in ENCODERS.items()
                 for key in trunk.state_dict if key.startswith(old)}
    else:
        names = {key: f'{WRAPPER}encoder.{key}' for key in trunk.state_dict}
    content = dict(
        model={name: trunk.state_dict[key].clone() for key, name in names.items()},
        epoch=trunk.pretraining.get('epochs'),
        meta=describe(trunk))
    with writing_aside(path) as file:
        torch.save(content, file)


def _require_its_views(trunk: 'Trunk') -> None:
    """Refuse trunks whose features would be others on the views that PyContrast makes."""
    views = {key: tensor for key, tensor in trunk.state_dict.items()
             if not key.startswith(TRUNKS)}
    if views.keys() != VIEWS.keys() or any(
            views[key].tolist() != tensor.tolist() for key, tensor in VIEWS.items()):
        raise CheckpointError(
            f'{trunk.path} is a {trunk.architecture} behind {trunk.generator} with '
            f'view_norm={trunk.view_norm}; PyContrast has no place for these, and gives its own '
            'views to two trunks: Y | Db, Dr with fixed means and deviations, as of configs/'
            'pretrain/cmc and cmcv2. The layout mmdet holds any')
