"""PASCAL VOC: Faster R-CNN R50-C4, trainval07+12 -> test2007, 24,000 iterations."""
_base_ = '_base_/initialisations.py'

measures = dict(voc=dict(config='configs/detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py'))
rows = {
    name: _base_.initialisations[name]
    for name in ('random', 'supervised', 'instdis-200e', 'pirl-200e', 'moco-200e', 'mocov2-200e',
                 'infomin-200e', 'infomin-800e')
}
