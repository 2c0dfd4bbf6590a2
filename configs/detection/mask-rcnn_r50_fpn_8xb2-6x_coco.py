# COCO: train2017 -> val2017, 540,000 iterations (6x).
_base_ = [
    '../_base_/detection_r50-fpn_syncbn.py', '../_base_/detection_coco.py',
    '../_base_/schedules/detection_6x.py'
]
