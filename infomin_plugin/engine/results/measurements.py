"""What finished runs measured, each with its place in a table, and what was left out and why."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from infomin_plugin.checkpoints import CheckpointError, read_file

from .descriptions import (
    Subject,
    last_folder,
    num_classes_of,
    scores_of,
    settings_of,
    subject_of,
)
from .dumped_configs import ConfigTextError, parse_config
from .initialisations import initialisation_of
from .read_outs import KNN_FILE, READ_OUT_FILES, knn_curve, read_out
from .runs import LeftOut, Measurement, Trained
from .work_dirs import Start, WorkDir, find_files, find_work_dirs, validations

CHECKPOINT_STEP = r'(?:epoch|iter)_(\d+)\.pth$'


def read_measurements(roots: Sequence[Path]) -> tuple[list[Measurement], list[tuple[str, str]]]:
    """Read every work directory and read-out below some folders.

    Args:
        roots (Sequence[Path]): Folders.

    Returns:
        tuple: The measurements, and what was left out, each with the reason.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    work_dirs, left_out = find_work_dirs(roots)
    trainings = {work.path: Trained.of(work) for work in work_dirs if work.training}
    found = []

    def attempt(where: Path, read: Callable[..., Iterable[Measurement]], *args: Any) -> None:
        try:
            found.extend(read(*args))
        except LeftOut as error:
            left_out.append((where, str(error)))
        except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            # files of anybody: one that is unlike what MMEngine writes must not stop the others
            left_out.append((where, f'not understood: {type(error).__name__}: {error}'))

    for work in work_dirs:
        left_out += [(start.folder, 'replaced by a later training in the same work dir')
                     for start in work.replaced]
        if work.training:
            attempt(work.path, _trained, work, trainings[work.path])
            attempt(work.path / KNN_FILE, knn_curve, work, trainings[work.path])
        for start in work.tests:
            attempt(start.folder, _tested, start, trainings)
    for file in find_files(roots, READ_OUT_FILES):
        attempt(file, read_out, file)
    return ([replace(one, where=_shortened(one.where, roots)) for one in found],
            [(_shortened(str(path), roots), _shortened(reason, roots))
             for path, reason in left_out])


def _shortened(text: str, roots: Sequence[Path]) -> str:
    """Cut what leads to the folders that were read out of paths: that is a machine's."""
    for root in sorted((root.resolve() for root in roots), key=lambda root: -len(root.parts)):
        text = text.replace(f'{root}/', f'{root.name}/' if len(roots) > 1 else '')
        text = text.replace(str(root), root.name)
    return text


def _trained(work: WorkDir, training: Trained) -> Iterable[Measurement]:
    """The last validation of a finished training."""
    config = training.config
    subject = subject_of(config, config, 'val')
    if subject is None:
        return
    length = config['train_cfg'].get('max_iters') or config['train_cfg']['max_epochs']
    unit = 'iterations' if 'max_iters' in config['train_cfg'] else 'epochs'
    # of two at the same step the later: a resumed training may validate once more
    step, line = max(reversed([*validations(work.training)]), key=lambda found: found[0],
                     default=(0, {}))
    if step < length:
        at = f'last validated after {step} of {length} {unit}' if step else (
            f'not validated yet, of {length} {unit}')
        raise LeftOut(f'unfinished: {at}')
    yield _measurement(subject, training, config, 'val', line, work.path,
                       work.training[-1].folder.name)


def _tested(start: Start, trainings: dict[Path, Trained]) -> Iterable[Measurement]:
    """A test of a training's last checkpoint."""
    checkpoint = str(start.config.get('load_from') or '')
    if start.tested is None:
        raise LeftOut(f'unfinished: a test of {last_folder(checkpoint)}')
    training = _training_of(start, checkpoint, trainings)
    subject = subject_of(training.config, start.config, 'test')
    if subject is None:
        return
    length = training.config['train_cfg']
    step = re.search(CHECKPOINT_STEP, checkpoint)
    planned = length.get('max_iters') or length['max_epochs']
    if step and int(step[1]) < planned:
        raise LeftOut(f'a test of {last_folder(checkpoint)}, of a training to {planned}')
    yield _measurement(subject, training, start.config, 'test', start.tested, start.folder.parent,
                       start.folder.name)


def _training_of(start: Start, checkpoint: str, trainings: dict[Path, Trained]) -> Trained:
    """The training that a tested checkpoint is of: its work directory, else the file itself."""
    for path in (_moved(start, checkpoint), Path(checkpoint)):
        training = trainings.get(path.parent.resolve())
        if training and training.began < start.folder.name:
            return training
    try:
        meta = read_file(checkpoint)['meta']
        config = parse_config(meta['cfg'], checkpoint)
        name = meta.get('experiment_name', '?').rsplit('_', 2)[0]  # then date and time
        batch = (meta.get('position') or {}).get('batch')  # see describe_position
        return Trained(config, config, name, meta.get('seed'), Path(checkpoint),
                       whole_batch=batch if isinstance(batch, int) else None)
    except (CheckpointError, ConfigTextError, FileNotFoundError, AttributeError, KeyError,
            TypeError) as error:
        raise LeftOut(f'a test of {last_folder(checkpoint)}, whose training is not among the '
                      f'folders; the file cannot be asked either ({type(error).__name__})'
                      ) from error


def _moved(start: Start, checkpoint: str) -> Path:
    """Where a checkpoint lies now if it was carried along with the folder of its test."""
    then, now = Path(start.config.get('work_dir') or ''), start.folder.parent
    while then.name and then.name == now.name:
        then, now = then.parent, now.parent
    path = Path(checkpoint)
    return now / path.relative_to(then) if path.is_relative_to(then) else path


def _measurement(subject: Subject, training: Trained, tested: dict[str, Any], loader: str,
                 logged: dict[str, Any], where: Path, when: str) -> Measurement:
    scores = scores_of(subject, logged, tested, loader)
    if not scores:
        raise LeftOut('its metrics are undefined or none that a table has')
    start = initialisation_of(training.first_config)
    return Measurement(
        subject=subject, start=start, seed=training.seed, scores=scores, config=training.name,
        shared=settings_of(training.config, tested, loader, training.whole_batch),
        own=dict(start.settings, config=training.name), where=str(where), trained=training.path,
        when=when, num_classes=num_classes_of(training.config['model']))
