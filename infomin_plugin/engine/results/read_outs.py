"""Read-outs of frozen features: kNN curves, scores of tools/analysis/read_out.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .descriptions import Subject, encoder_of, last_folder, read_out_settings_of, settings_of
from .initialisations import Initialisation, from_dict
from .runs import LeftOut, Measurement, Trained
from .work_dirs import WorkDir

KNN_FILE, READ_OUT_FILES = 'knn.json', '*_scores.json'  # as chains name them, by measure
READ_OUT, KNN_CURVE = 'read-out', 'kNN in pre-training'
READ_OUTS = {'knn': 'kNN'}  # the column's name where it is another
OF_QUERIES = 'read_out.queries.'


def knn_curve(work: WorkDir, training: Trained) -> Iterator[Measurement]:
    """Read the start and the end of the curve that KNNHook wrote in a pre-training, if it did.

    Args:
        work (WorkDir): Of a training.
        training (Trained): The same.

    Yields:
        Measurement: One a set of queries.

    Raises:
        LeftOut: If the pre-training is not finished.
    """
    config, file = training.config, work.path / KNN_FILE
    if 'method' not in config or not file.is_file():
        return
    curve = json.loads(file.read_text())
    planned = config['train_cfg']['max_epochs']
    if curve[-1]['epoch'] < planned:
        raise LeftOut(f'unfinished: the curve ends after {curve[-1]["epoch"]} of {planned} epochs')
    hook = next(hook for hook in config['custom_hooks'] if hook['type'].endswith('KNNHook'))
    for split in curve[0].keys() - {'epoch'}:
        yield Measurement(
            subject=Subject(KNN_CURVE, last_folder(config.get('data_root') or ''), split, '',
                            encoder_of(config['model'])),
            start=Initialisation(config['method'], planned),
            seed=training.seed,
            scores={'start': curve[0][split], 'end': curve[-1][split]},
            config=training.name,
            shared={key: hook.get(key) for key in ('k', 'temperature')},
            own=settings_of(config, {}, 'val', training.whole_batch)
            | dict(config=training.name),
            where=str(file), trained=work.path, when=work.training[-1].folder.name)


def describe_read_out(cfg: Config, name: str, seed: int) -> dict[str, Any]:
    """Say what tools/analysis/read_out.py measures, to stand in its file beside the scores.

    Args:
        cfg (Config): With ``model`` and ``read_out``.
        name (str): Of its file.
        seed (int): Of a random trunk.

    Returns:
        dict[str, Any]: ``config``, ``data_root``, ``seed``, ``encoder`` (see :func:`encoder_of`)
        and ``settings`` (see :func:`read_out_settings_of`).
    """
    config = cfg.to_dict()
    return dict(config=name, data_root=config.get('data_root'), seed=seed,
                encoder=encoder_of(config['model']), settings=read_out_settings_of(config))


def read_out(file: Path) -> Iterator[Measurement]:
    """Read the scores that tools/analysis/read_out.py wrote.

    Args:
        file (Path): JSON: ``scores``, percent by ``'KIND SPLIT'``; ``initialisation`` as
            :func:`.place_pretrained` writes it; and what :func:`describe_read_out` says, of which
            older files have only ``config``, ``seed`` and maybe ``data_root``.

    Yields:
        Measurement: One a split; none of a file that another program wrote.

    Raises:
        LeftOut: If it does not say what was measured.
        ValueError: If it begins as that tool begins a file, and is broken.
    """
    text = file.read_text(encoding='utf-8', errors='replace')
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.startswith('{"scores": '):
            raise ValueError(f'not JSON: {error}') from error
        return
    if not isinstance(content, dict) or not content.keys() >= {'scores', 'initialisation'}:
        return
    given = content['initialisation']
    if not given:
        raise LeftOut('does not say what was measured: write it with read_out.py --pretrained')
    for key in ('config', 'encoder'):
        if not isinstance(content.get(key, ''), str):
            raise ValueError(f'its {key} is {content[key]!r}, not a name')
    start = from_dict(given)
    by_split: dict[str, dict[str, float]] = {}
    for name, score in content['scores'].items():
        kind, _, split = name.partition(' ')
        if split and ' ' not in split and isinstance(score, int | float):
            by_split.setdefault(split, {})[READ_OUTS.get(kind, kind)] = score
    if not by_split:
        raise LeftOut(f"its scores are {', '.join(content['scores'])}, not as 'knn test'")
    for split, scores in by_split.items():
        shared = {key: value for key, value in content.get('settings', {}).items()
                  if not key.startswith(OF_QUERIES) or key.startswith(f'{OF_QUERIES}{split}.')}
        yield Measurement(
            subject=Subject(READ_OUT, last_folder(content.get('data_root') or ''), split,
                            encoder=content.get('encoder', '')),
            start=start, seed=content.get('seed'), scores=scores, config=content['config'],
            shared=shared, own=dict(start.settings, config=content['config']), where=str(file),
            trained=file, when=str(file.stat().st_mtime_ns))
