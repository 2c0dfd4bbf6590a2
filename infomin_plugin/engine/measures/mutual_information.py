"""I_NCE between the views of a trained model's config, on images that it has not seen."""

from copy import deepcopy
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from infomin_plugin.evaluation.mutual_information import (
    MutualInformation,
    estimate,
    info_nce_terms,
)
from infomin_plugin.registry import SCOPE

from ..settings.reroot import reroot
from .trained import extract_pairs, load_trained

_CHOICES = {'dataset', 'batch_size', 'num_workers', 'candidates', 'seed'}


def measure_mutual_information(cfg: Config, checkpoint: str | Path) -> MutualInformation | None:
    """Estimate I_NCE between the views on held-out images, by the encoders of a run.

    The views are those of training: the data set of ``train_dataloader`` with its pipeline, the
    draws of which are fixed by image (:class:`Seeded`), so that the result depends neither on the
    number of processes nor on that of workers. Reads ``cfg.mutual_information``:

    - ``dataset``: settings of the data set that are others than in training, such as ``data_root``;
    - ``batch_size``, ``num_workers``: of the loader, 256 and 0;
    - ``candidates``: keys that a query is compared with, its own included; None, the default: all
      images, or the own key and the memory's where the model has a queue or a bank;
    - ``seed``: of the views and of the choice of candidates, 0.

    Args:
        cfg (Config): With ``model``, ``train_dataloader`` and ``mutual_information``. Not changed.
        checkpoint (str | Path): Of a run of this config.

    Returns:
        MutualInformation: In nats, the mean of both directions; None on processes that are not the
        main one.

    Raises:
        CheckpointError: If the checkpoint is unreadable or is not of this model.
        ValueError: If the config has no ``mutual_information`` or an unknown key in it, or is one
            that a run with ``photometry='device'`` has written out.
        FileNotFoundError: If the images are missing.
    """
    settings = cfg.get('mutual_information')
    if settings is None:
        raise ValueError(f'{cfg.filename} has no mutual_information: which images are held out')
    if unknown := sorted(set(settings) - _CHOICES):
        raise ValueError(f'mutual_information has the keys {sorted(_CHOICES)}, got {unknown}')
    if cfg.model.get('data_preprocessor', {}).get('recipes'):
        raise ValueError('a run has moved a part of the recipes to '
                         'model.data_preprocessor.recipes: give the config that the run was '
                         'started with')
    cfg = deepcopy(cfg)  # Config.copy() would share what is nested
    reroot(cfg)
    settings = cfg.mutual_information
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
        loader = _held_out(cfg.train_dataloader.dataset, settings)
    model = load_trained(cfg, checkpoint)
    directions = extract_pairs(model, loader)
    if not is_main_process():
        return None
    stored = model.stored_keys or [None] * len(directions)
    candidates, seed = settings.get('candidates'), settings.get('seed', 0)
    terms = [info_nce_terms(queries, keys, model.head.temperature, candidates,
                            None if negatives is None else negatives.cpu(), seed)
             for (queries, keys), negatives in zip(directions, stored, strict=True)]
    if stored[0] is not None:
        candidates = 1 + len(stored[0])
    return estimate(sum(terms) / len(terms), candidates or len(terms[0]), seed=seed)


def _held_out(trained_on: ConfigDict, settings: ConfigDict) -> DataLoader:
    dataset = trained_on.copy()
    dataset.update(settings.get('dataset', {}))
    dataset.pipeline = [dict(type='Seeded', transforms=dataset.pipeline,
                             seed=settings.get('seed', 0))]
    dataset.test_mode = True  # an unreadable image is an error: it would be replaced by chance
    return Runner.build_dataloader(dict(
        batch_size=settings.get('batch_size', 256), num_workers=settings.get('num_workers', 0),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'), dataset=dataset))
