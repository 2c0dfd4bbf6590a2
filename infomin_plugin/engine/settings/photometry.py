"""One key, ``photometry``, says where colours are changed: in workers or on the device."""

from copy import deepcopy

from mmengine.config import Config, ConfigDict

from infomin_plugin.datasets.transforms import MultiView, build_recipe
from infomin_plugin.datasets.transforms.batched.recipe import count_worker_steps

HOMES = ('worker', 'device')


def place_photometry(cfg: Config) -> None:
    """Move what follows crop and flip in a training's recipes to where ``cfg.photometry`` says.

    With ``'worker'`` everything happens in the workers, as the pipeline is written. With
    ``'device'`` they decode, crop and flip, and the rest of each recipe of ``MultiView`` becomes a
    ``BatchedRecipe`` in ``model.data_preprocessor.recipes``: the distribution is the same. Other
    loaders than ``train_dataloader`` stay as they are.

    Args:
        cfg (Config): Changed in place. Without the key it is ``'worker'``; a config that a run has
            dumped, with its recipes moved already, is left as it is.

    Raises:
        ValueError: If the value is none of these, or the config has no such pipeline, or it has
            steps that cannot be moved, or recipes that are moved already and others that are not.
    """
    home = cfg.get('photometry', 'worker')
    if home not in HOMES:
        raise ValueError(f'photometry must be one of {HOMES}, got {home!r}')
    preprocessor = (cfg.get('model') or {}).get('data_preprocessor') or {}
    placed = preprocessor.get('recipes')
    if home == 'worker':
        if placed:
            raise ValueError("photometry is 'worker', but model.data_preprocessor.recipes is set, "
                             "as in the config that a run with 'device' has dumped: give the "
                             "config that the run was started with, or photometry='device'")
        return
    if not preprocessor:
        raise ValueError("photometry='device' needs a model.data_preprocessor")
    multi_view = _multi_view(cfg)
    built, = build_recipe([multi_view])  # names what is wrong with its arguments
    counts = {kind: [_count(kind, i, draws.steps) for i, draws in enumerate(getattr(built, kind))]
              for kind in ('views', 'patches')}
    groups = {kind: _listed(multi_view.get(kind)) for kind in counts}
    recipes = {kind: [] for kind in counts}
    for kind, listed in groups.items():
        for group, count in zip(listed, counts[kind], strict=True):
            moved = group.recipe[count:]
            recipes[kind] += [dict(type='BatchedRecipe', recipe=deepcopy(moved)) if moved else None
                              for _ in range(group.num)]
    if not any(recipes['views'] + recipes['patches']):
        return
    if placed:
        raise ValueError('model.data_preprocessor.recipes is set, and the recipes of MultiView '
                         "still have steps that photometry='device' would move: write them in one "
                         'place')
    for kind, listed in groups.items():
        for group, count in zip(listed, counts[kind], strict=True):
            group.recipe = group.recipe[:count]
    preprocessor.recipes = ConfigDict(recipes)


def _multi_view(cfg: Config) -> ConfigDict:
    """Find the config of the training pipeline's ``MultiView``."""
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    found = [step for step in dataset.get('pipeline') or ()
             if step.get('type') in (MultiView, 'MultiView', 'infomin_plugin.MultiView')]
    if len(found) != 1:
        raise ValueError("photometry='device' needs one MultiView in "
                         f'train_dataloader.dataset.pipeline, there are {len(found)}')
    return found[0]


def _listed(groups: dict | list | None) -> list[ConfigDict]:
    return [groups] if isinstance(groups, dict) else groups or []


def _count(kind: str, i: int, steps: list) -> int:
    try:
        return count_worker_steps(steps)
    except ValueError as error:
        raise ValueError(
            f"photometry='device': recipe {i} of MultiView's {kind}: {error}") from None
