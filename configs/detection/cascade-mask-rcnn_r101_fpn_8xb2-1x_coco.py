# COCO: train2017 -> val2017, 90,000 iterations (1x).
_base_ = [
    '../_base_/detection_cascade-r50-fpn_syncbn.py', '../_base_/detection_coco.py',
    '../_base_/schedules/detection_1x.py'
]

model = dict(backbone=dict(depth=101))
