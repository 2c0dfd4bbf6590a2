"""The sets: where they come from, what is in them. Every address and checksum is here, once.

MD5 are torchvision's (``torchvision.datasets.voc``, ``.imagenet``, ``.stl10``). COCO and DIV2K
publish none: their SHA-256, and all sizes, are those that TensorFlow Datasets recorded
(``url_checksums/coco.txt``, ``div2k.txt``, ``voc.txt``, ``stl10.txt`` of its repository).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .archives import unpack
from .checks import Check, CocoFile, Digests, Images, Stl10Split, VocSplit
from .files import Update
from .imagenet import unpack_train, unpack_val


@dataclass(frozen=True)
class Archive:
    """One file to fetch, and what is there when it is unpacked.

    Attributes:
        file (str): Its name.
        checks (tuple[Check, ...]): What it brings, looked at in this order.
        url (str): Where it is downloaded from; '': it has to be fetched by hand.
        digest (str): ``'md5:HEX'`` or ``'sha256:HEX'``; '': nothing is compared.
        size (int): Bytes.
        into (str): Folder below the root to unpack to.
        unpack (Callable): Called with the archive, the folder and an ``Update``.
    """

    file: str
    checks: tuple[Check, ...]
    url: str = ''
    digest: str = ''
    size: int = 0
    into: str = ''
    unpack: Callable[[Path, Path, Update], None] = unpack


@dataclass(frozen=True)
class Source:
    """One set.

    Attributes:
        name (str): Of the command line.
        archives (tuple[Archive, ...]): Its files, in the order in which they are fetched.
        by_hand (str): What to do where a file cannot be downloaded; ``{archives}`` is the folder
            for it.
    """

    name: str
    archives: tuple[Archive, ...]
    by_hand: str = ''


_OXFORD = 'http://host.robots.ox.ac.uk/pascal/VOC'
VOC0712 = Source('voc0712', (
    Archive(
        'VOCtrainval_06-Nov-2007.tar', (VocSplit('VOCdevkit/VOC2007', 'trainval', 5011, 20), ),
        f'{_OXFORD}/voc2007/VOCtrainval_06-Nov-2007.tar',
        'md5:c52e279531787c972589f7e41ab4ae64', 460032000),
    Archive(
        'VOCtest_06-Nov-2007.tar', (VocSplit('VOCdevkit/VOC2007', 'test', 4952, 20), ),
        f'{_OXFORD}/voc2007/VOCtest_06-Nov-2007.tar',
        'md5:b6e924de25625d8de591ea690078ad9f', 451020800),
    # 17,125 images; the list is of those with boxes
    Archive(
        'VOCtrainval_11-May-2012.tar', (VocSplit('VOCdevkit/VOC2012', 'trainval', 11540, 20), ),
        f'{_OXFORD}/voc2012/VOCtrainval_11-May-2012.tar',
        'md5:6cd6e144f989b92b3379bac3b3de84fd', 1999639040),
))

_COCO = 'http://images.cocodataset.org'
COCO2017 = Source('coco2017', (
    Archive(
        'train2017.zip', (Images('coco/train2017', 118287), ), f'{_COCO}/zips/train2017.zip',
        'sha256:69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929', 19336861798,
        into='coco'),
    Archive(
        'val2017.zip', (Images('coco/val2017', 5000), ), f'{_COCO}/zips/val2017.zip',
        'sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05', 815585330,
        into='coco'),
    # after the images, which it is compared with
    Archive(
        'annotations_trainval2017.zip',
        (CocoFile('coco', 'train2017', 118287, 80), CocoFile('coco', 'val2017', 5000, 80)),
        f'{_COCO}/annotations/annotations_trainval2017.zip',
        'sha256:113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268', 252907541,
        into='coco'),
))

IMAGENET = Source('imagenet', (
    Archive(
        'ILSVRC2012_img_train.tar', (Images('imagenet/train', 1281167, 1000), ),
        digest='md5:1d675b47d978889d74fa0da5fadfb00e', into='imagenet', unpack=unpack_train),
    Archive(
        'ILSVRC2012_img_val.tar', (Images('imagenet/val', 50000, 1000), ),
        digest='md5:29b22e2961454d5413ddabcf34fc5622', into='imagenet', unpack=unpack_val),
), by_hand="""\
ImageNet is given out to those who register: https://image-net.org/download-images, "ILSVRC2012".
Put
  {archives}/ILSVRC2012_img_train.tar          training images (Task 1 & 2), 138 GB
  {archives}/ILSVRC2012_img_val.tar            validation images, 6.3 GB
  {archives}/ILSVRC2012_devkit_t12.tar.gz      development kit, 2.5 MB: the classes of the latter
and run this again: it checks them and unpacks them to imagenet/{{train,val}}/CLASS/*.JPEG, 1000
classes each (n01440764 ...). What is there already in this form, or linked, is taken as it is. A
val/ without class folders: move it away, and let it be unpacked into them.""")

_STL10 = 'stl10_binary'
STL10 = Source('stl10', (
    Archive(
        'stl10_binary.tar.gz',
        (Stl10Split(_STL10, 'train', 5000), Stl10Split(_STL10, 'test', 8000),
         Stl10Split(_STL10, 'unlabeled', 100000),
         Digests(_STL10, {
             'train_X.bin': 'md5:918c2871b30a85fa023e0c44e0bee87f',
             'train_y.bin': 'md5:5a34089d4802c674881badbb80307741',
             'unlabeled_X.bin': 'md5:5242ba1fed5e4be9e1e742405eb56ca4',
             'test_X.bin': 'md5:7f263ba9f9e0b06b93213547f721ac82',
             'test_y.bin': 'md5:36f9794fa4beb8a2c72628de14fa638e',
         })),
        'http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz',
        'md5:91f7769df0f17e558f3565bffb0c7dfb', 2640397119), ))

_ETH = 'https://data.vision.ee.ethz.ch/cvl/DIV2K'
DIV2K = Source('div2k', (
    Archive(
        'DIV2K_train_HR.zip', (Images('DIV2K/DIV2K_train_HR', 800), ),
        f'{_ETH}/DIV2K_train_HR.zip',
        'sha256:9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335', 3530603713,
        into='DIV2K'),
    Archive(
        'DIV2K_valid_HR.zip', (Images('DIV2K/DIV2K_valid_HR', 100), ),
        f'{_ETH}/DIV2K_valid_HR.zip',
        'sha256:20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc', 448993893,
        into='DIV2K'),
))

SOURCES = {source.name: source for source in (VOC0712, COCO2017, IMAGENET, STL10, DIV2K)}
