# Cascade Mask R-CNN on ResNet-50 with FPN, synchronised batch norm as in
# detection_r50-fpn_syncbn.py, in all three box heads and mask heads. As the authors' settings have
# it: L1 losses, box deltas shared by the classes, 2,000 proposals in training.
_base_ = 'mmdet::_base_/models/cascade-mask-rcnn_r50_fpn.py'

norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(frozen_stages=-1, norm_cfg=norm_cfg, norm_eval=False, init_cfg=None),
    neck=dict(norm_cfg=norm_cfg),
    rpn_head=dict(loss_bbox=dict(_delete_=True, type='L1Loss', loss_weight=1.0)),
    roi_head=dict(
        bbox_head=[
            dict(
                type='Shared4Conv1FCBBoxHead',
                in_channels=256,
                conv_out_channels=256,
                fc_out_channels=1024,
                roi_feat_size=7,
                num_classes=80,
                norm_cfg=norm_cfg,
                bbox_coder=dict(
                    type='DeltaXYWHBBoxCoder',
                    target_means=[0., 0., 0., 0.],
                    target_stds=[0.1 / stage, 0.1 / stage, 0.2 / stage, 0.2 / stage]),
                reg_class_agnostic=True,
                loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
                loss_bbox=dict(type='L1Loss', loss_weight=1.0)) for stage in (1, 2, 3)
        ],
        mask_head=dict(norm_cfg=norm_cfg)),
    train_cfg=dict(rpn=dict(allowed_border=-1)))
