"""The whole chain of a ResNet-50: pre-train, read out on ImageNet, VOC, COCO R50-FPN 1x and 2x.

Rows and measures are those of imagenet_read_out.py, voc0712.py and coco_r50_fpn.py, in the same
work dir: what one of them has run is done for this table too.
"""
_base_ = '_base_/initialisations.py'

read_outs = {
    'linear': dict(config='configs/linear/linear_resnet50_8xb32-steplr-60e_in1k.py'),
    'linear-randaugment': dict(
        config='configs/linear/linear_resnet50_8xb32-steplr-60e_randaug_in1k.py'),
    'knn': dict(kind='read_out', config='configs/linear/knn_resnet50_in1k.py'),
}
detectors = {'voc': dict(config='configs/detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py')} | {
    f'coco-fpn-{length}': dict(
        config=f'configs/detection/mask-rcnn_r50_fpn_8xb2-{length}_coco.py')
    for length in ('1x', '2x')
}
measures = read_outs | detectors
methods = ('instdis-200e', 'pirl-200e', 'moco-200e', 'mocov2-200e', 'infomin-100e',
           'infomin-200e', 'infomin-800e')
# nothing was learned from unlabelled images, so nothing is read out
rows = {
    name: dict(_base_.initialisations[name], measures=list(detectors))
    for name in ('random', 'supervised')
} | {name: _base_.initialisations[name] for name in methods}
