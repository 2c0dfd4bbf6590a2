"""Makes a whole mini set from its sources and options."""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from infomin_plugin.version import __version__

from .options import MiniOptions
from .place import VOC, built_aside, find_set, locked
from .scenes import draw_scene, draw_single
from .sources import (
    CutoutFolder,
    Digits,
    PhotographFolder,
    SamplePhotographs,
    split_cutouts,
    split_photographs,
)
from .writers import CocoFile, write_image, write_json, write_voc

# Goes up with every change that gives other bytes for the same options.
FORMAT = 1

README = """# Mini set

Objects on backgrounds, made by {generator} (`tools/data/make_mini.py`, seed {seed}); the same
command makes the same bytes. `meta.json` holds all options, `sources.json` names the cut-outs and
the background crop (photograph, x, y, width, height) of every image. The test parts share no
cut-out and no pixel of a photograph with the others.

- `pretrain/` unlabelled scenes; `objects/` unlabelled single objects
- `classify/train|test/<class>/` labelled single objects
- `VOCdevkit/VOC2007/` annotated scenes, PASCAL VOC form
- `coco/annotations/instances_trainval|test.json` the same scenes with masks, COCO form

Sources:
"""


@dataclass(frozen=True)
class MiniSet:
    """A mini set on disk: its folder, the classes, the number of images of each part."""

    root: Path
    classes: tuple[str, ...]
    counts: dict[str, int]
    reused: bool


def make_mini(
    out, seed=0, cutouts=None, photographs=None, overwrite=False, progress=None, **options
):
    """Make a small scene set of objects on backgrounds, without any download.

    The set has the form of common benchmarks: unlabelled scenes (`pretrain/`) and single objects
    (`objects/`), labelled single objects (`classify/{train,test}/<class>/`), annotated scenes in
    PASCAL VOC form (`VOCdevkit/VOC2007/`), and the same with masks in COCO form
    (`coco/annotations/instances_{trainval,test}.json`, images in `VOCdevkit/VOC2007/JPEGImages`).
    The test parts share no cut-out and no pixel of a photograph with the others. `sources.json`
    names what each image was made of, `meta.json` the options. The same arguments give the same
    bytes.

    It is built beside `out` and renamed at the end, so that a killed run leaves no half-made set.

    Args:
        out: Folder to make. A set made with the same arguments is left as it is.
        seed (int): Chooses the split, the cut-outs, crops, colours and places.
        cutouts: Folder of RGBA images, `<class>/*.png`; by default scikit-learn's digits.
        photographs: Any tree of photographs; by default the two that scikit-learn ships.
        overwrite (bool): Make the set again if `out` holds a mini set.
        progress: Wraps an iterable for show: `progress(iterable, description)`.
        **options: Fields of `MiniOptions`.

    Returns:
        MiniSet: What there is now.

    Raises:
        FileExistsError: `out` holds something else, a set made in another way, or an incomplete
            one.
        FileNotFoundError: A source folder is missing or empty.
        TypeError: There is no such option.
        ValueError: An option is out of bounds, or a source cannot be used (a class of fewer than
            two cut-outs, a cut-out without alpha, an unreadable file).
    """
    options = MiniOptions(**options)
    if seed < 0:
        raise ValueError(f'seed must be at least 0, got {seed}')
    cutouts = Digits() if cutouts is None else CutoutFolder(cutouts)
    photographs = SamplePhotographs() if photographs is None else PhotographFolder(photographs)
    request = dict(
        format=FORMAT,
        seed=seed,
        options=asdict(options),
        cutouts=dict(kind=cutouts.kind, sha256=cutouts.fingerprint),
        photographs=dict(kind=photographs.kind, sha256=photographs.fingerprint),
    )
    request = json.loads(json.dumps(request))  # as it will be read back: tuples become lists
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with locked(out.parent):
        meta = find_set(out, request, overwrite)
        reused = meta is not None
        if not reused:
            with built_aside(out) as folder:
                maker = _Maker(folder, seed, cutouts, photographs, options, progress or _quiet)
                maker.draw()
                meta = maker.describe(request)
    return MiniSet(out, tuple(meta['classes']), meta['counts'], reused)


class _Maker:
    """Draws and writes the parts of one set into a folder."""

    def __init__(self, root, seed, cutouts, photographs, options, progress):
        self.root = root
        self.seed = seed
        self.sources = {'cut-outs': cutouts, 'photographs': photographs}
        self.classes = cutouts.classes
        self.options = options
        self.progress = progress
        self.counts = {}
        self.used = {}
        largest = max(options.largest_single, options.scene_object_size[1])
        split = split_cutouts(
            cutouts.load(max_side=round(2 * largest)), options.test_fraction, self._rng('cut-outs')
        )
        self.cutouts = {name: self._by_class(part) for name, part in split.items()}
        self.regions = split_photographs(
            photographs.load(), options.test_fraction, self._rng('photographs')
        )

    def draw(self):
        """Write all images and annotations."""
        o = self.options
        self._singles('objects', o.objects, 'train', labelled=False)
        self._singles('classify/train', o.classify_train, 'train', labelled=True)
        self._singles('classify/test', o.classify_test, 'test', labelled=True)
        for i, picture in self._scenes('pretrain', o.pretrain, 'train'):
            self._write(f'pretrain/{i:05d}.jpg', picture)
        self._annotated('trainval', o.trainval, 'train')
        self._annotated('test', o.test, 'test')

    def describe(self, request):
        """Write what the set is and where it comes from; return the content of `meta.json`."""
        meta = dict(
            generator=f'infomin_plugin {__version__}',
            request=request,
            classes=self.classes,
            counts=self.counts,
            cutouts={name: sum(map(len, groups)) for name, groups in self.cutouts.items()},
            regions={name: len(regions) for name, regions in self.regions.items()},
        )
        write_json(self.root / 'meta.json', meta, indent=1)
        write_json(self.root / 'sources.json', self.used)
        lines = [README.format(generator=meta['generator'], seed=self.seed)]
        for what, source in self.sources.items():
            if source.licence is None:
                lines.append(f'- {what}: a folder of your own; its licences hold for this set too')
                continue
            name = f'licences/{source.kind.replace(" ", "-")}.txt'
            lines.append(f'- {what}: {source.kind}; origin and licence in `{name}`')
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(source.licence.strip() + '\n', encoding='utf-8')
        (self.root / 'README.md').write_text('\n'.join(lines) + '\n', encoding='utf-8')
        return meta

    def _singles(self, part, count, split, labelled):
        groups = self.cutouts[split]
        orders = [
            self._rng(part, 'order', label).permutation(len(group))
            for label, group in enumerate(groups)
        ]
        for i in self.progress(range(count), part):
            # Classes take turns, and all cut-outs of a class are used before one comes again.
            turn, label = divmod(i, len(groups))
            cutout = groups[label][orders[label][turn % len(groups[label])]]
            picture = draw_single(cutout, self.regions[split], self._rng(part, i), self.options)
            folder = f'{part}/{self.classes[label]}' if labelled else part
            self._write(f'{folder}/{i:05d}.jpg', picture)
        self.counts[part] = count

    def _scenes(self, part, count, split):
        for i in self.progress(range(count), part):
            rng = self._rng(part, i)
            yield i, draw_scene(self.cutouts[split], self.regions[split], rng, self.options)
        self.counts[part] = count

    def _annotated(self, part, count, split):
        coco = CocoFile(self.classes)
        stems = []
        for i, picture in self._scenes(part, count, split):
            stem = f'{part}_{i:05d}'
            stems.append(stem)
            self._write(f'{VOC}/JPEGImages/{stem}.jpg', picture)
            path = self.root / VOC / f'Annotations/{stem}.xml'
            write_voc(path, f'{stem}.jpg', picture, self.classes)
            coco.add(f'{stem}.jpg', picture)
        coco.write(self.root / f'coco/annotations/instances_{part}.json')
        listing = self.root / VOC / f'ImageSets/Main/{part}.txt'
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text(''.join(f'{stem}\n' for stem in stems), encoding='utf-8')

    def _write(self, name, picture):
        write_image(self.root / name, picture.image)
        self.used[name] = dict(
            cutouts=[instance.cutout.name for instance in picture.instances],
            background=picture.background,
        )

    def _by_class(self, cutouts):
        groups = [[] for _ in self.classes]
        for cutout in cutouts:
            groups[cutout.label].append(cutout)
        return groups

    def _rng(self, *key):
        """A stream of its own for every image, so that one part's count changes no other part."""
        numbers = [zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key]
        return np.random.default_rng([self.seed, *numbers])


def _quiet(iterable, description):
    return iterable
