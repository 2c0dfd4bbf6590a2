"""COCO: Mask R-CNN R50-FPN, 1x, 2x and 6x."""
_base_ = '_base_/initialisations.py'

measures = {
    f'coco-fpn-{length}': dict(
        config=f'configs/detection/mask-rcnn_r50_fpn_8xb2-{length}_coco.py')
    for length in ('1x', '2x', '6x')
}
# the rows of the paper: 6x for three of them
measured = {
    'random': ('1x', '2x', '6x'),
    'supervised': ('1x', '2x', '6x'),
    'instdis-200e': ('1x', '2x'),
    'pirl-200e': ('1x', '2x'),
    'moco-200e': ('1x', '2x'),
    'mocov2-200e': ('1x', '2x'),
    'infomin-200e': ('1x', '2x', '6x'),
}
rows = {
    name: dict(
        _base_.initialisations[name], measures=[f'coco-fpn-{length}' for length in lengths])
    for name, lengths in measured.items()
}
