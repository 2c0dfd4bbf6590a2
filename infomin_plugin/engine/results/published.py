"""Published results: read from the metafiles, the one place where they are written."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from .descriptions import Subject, subject_of
from .initialisations import row_label

INDEX = 'model-index.yml'
# classes of the sets that results are published on: a run on another set has no published row
NUM_CLASSES = {'ImageNet-1k': 1000, 'COCO': 80, 'PASCAL VOC 2007': 20}
# images of ImageNet-1k, on which all published trunks were pre-trained
IMAGES = 1_281_167


@dataclass(frozen=True)
class Published:
    """Published results of one row of one table.

    Attributes:
        task: See :class:`.Subject`, as the three after it.
        split: Of the test images.
        schedule: Length of the fine-tuning.
        encoder: The network.
        num_classes: Of the data set.
        label: Name of the row.
        scores: Percent by column.
        source: ``'published'``, or ``'recalled'`` for what was not re-read from a paper.
    """
    task: str
    split: str
    schedule: str
    encoder: str
    num_classes: int
    label: str
    scores: dict[str, float]
    source: str


def read_published(root: Path) -> list[Published]:
    """Read the results of ``model-index.yml`` and the metafiles that it names.

    Which table a result belongs to, its config file says: the one of ``Downstream``, else of the
    model itself.

    Args:
        root (Path): Folder of ``model-index.yml``.

    Returns:
        list[Published]: One entry a row and table, in the order of the files.

    Raises:
        ValueError: If a metafile has not the form that is expected.
        FileNotFoundError: If a file that is named does not exist.
    """
    found = []
    for name in _load(root / INDEX, 'Import'):
        for model in _load(root / name, 'Models'):
            label = row_label(model['In Collection'], model['Metadata'].get('Epochs'))
            for measured in [model, *model.get('Downstream', ())]:
                if measured.get('Results'):
                    try:
                        found.append(_entry(root, label, measured))
                    except (KeyError, TypeError, ValueError) as error:
                        raise ValueError(f'{root / name}: {model["Name"]}: '
                                         f'{type(error).__name__}: {error}') from error
    return found


def _entry(root: Path, label: str, measured: dict[str, Any]) -> Published:
    subject = _subject(root / measured['Config'])
    if subject is None:
        raise ValueError(f'{measured["Config"]} measures nothing')
    scores, sources, datasets = {}, set(), set()
    for result in measured['Results']:
        scores |= result['Metrics']
        sources.add(result['Source'])
        datasets.add(result['Dataset'])
    (source, ), (dataset, ) = sources, datasets  # one of each in an entry
    return Published(subject.task, subject.split, subject.schedule, subject.encoder,
                     NUM_CLASSES[dataset], label, scores, source)


@cache
def _subject(path: Path) -> Subject | None:
    config = Config.fromfile(path).to_dict()
    return subject_of(config, config, 'val')


def _load(path: Path, key: str) -> list:
    with path.open(encoding='utf-8') as file:
        content = yaml.safe_load(file)
    if not isinstance(content, dict) or not isinstance(content.get(key), list):
        raise ValueError(f'{path} has no list {key!r}')
    return content[key]
