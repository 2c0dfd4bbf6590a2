# COCO: train2017 -> val2017, 90,000 iterations (1x).
_base_ = [
    '../_base_/detection_mask-r50-c4_syncbn.py', '../_base_/detection_coco.py',
    '../_base_/schedules/detection_1x.py'
]
