# COCO: train2017 -> val2017, 90,000 iterations (1x). The authors' ResNeXt is 32x8d; another:
# --cfg-options model.backbone.groups=64 model.backbone.base_width=4
_base_ = [
    '../_base_/detection_r50-fpn_syncbn.py', '../_base_/detection_coco.py',
    '../_base_/schedules/detection_1x.py'
]

model = dict(backbone=dict(type='ResNeXt', depth=101, groups=32, base_width=8))
