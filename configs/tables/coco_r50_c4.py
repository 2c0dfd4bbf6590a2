"""COCO: Mask R-CNN R50-C4, 1x and 2x."""
_base_ = '_base_/initialisations.py'

measures = {
    f'coco-c4-{length}': dict(config=f'configs/detection/mask-rcnn_r50-c4_8xb2-{length}_coco.py')
    for length in ('1x', '2x')
}
rows = {
    name: _base_.initialisations[name]
    for name in ('random', 'supervised', 'moco-200e', 'infomin-200e')
}
