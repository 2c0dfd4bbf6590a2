"""COCO with larger encoders: R101-C4, R101-FPN, R101-FPN Cascade, X101-FPN, X152-FPN, 1x and 2x.

torchvision has no supervised weights of ResNeXt-152.
"""
_base_ = '_base_/initialisations.py'

lengths = ('1x', '2x')
heads = ('coco-c4', 'coco-fpn', 'coco-cascade')
measures = {f'{head}-{length}': dict() for head in heads for length in lengths}
# by encoder and head
detectors = dict(
    resnet101={
        'coco-c4': 'mask-rcnn_r101-c4',
        'coco-fpn': 'mask-rcnn_r101_fpn',
        'coco-cascade': 'cascade-mask-rcnn_r101_fpn',
    },
    resnext101={'coco-fpn': 'mask-rcnn_x101-32x8d_fpn'},
    resnext152={'coco-fpn': 'mask-rcnn_x152-32x8d_fpn'})
encoders = {
    'random-resnet101': 'resnet101',
    'supervised-resnet101': 'resnet101',
    'infomin-resnet101-300e': 'resnet101',
    'random-resnext101': 'resnext101',
    'supervised-resnext101': 'resnext101',
    'infomin-resnext101-200e': 'resnext101',
    'random-resnext152': 'resnext152',
    'infomin-resnext152-200e': 'resnext152',
}
changes = {
    encoder: {
        f'{head}-{length}': dict(config=f'configs/detection/{detector}_8xb2-{length}_coco.py')
        for head, detector in by_head.items() for length in lengths
    }
    for encoder, by_head in detectors.items()
}
rows = {
    name: dict(
        _base_.initialisations[name],
        measures=list(changes[encoder]),
        changes=changes[encoder])
    for name, encoder in encoders.items()
}
