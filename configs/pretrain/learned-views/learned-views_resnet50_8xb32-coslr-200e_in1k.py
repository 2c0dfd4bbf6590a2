"""As CMC v2, on the views of a learned generator.

--cfg-options model.generator.init_cfg.checkpoint=CKPT names the run that learned them.
"""
_base_ = [
    '../cmcv2/cmcv2_resnet50_8xb32-coslr-200e_in1k.py',
    '../../_base_/view_generators/ydbdr_vp.py'
]

method = 'learned views'
learned = 'work_dirs/semi-supervised_ydbdr_vp_stl10/iter_20000.pth'
model = dict(
    generator=dict(
        _delete_=True,
        init_cfg=dict(type='Pretrained', prefix='generator.', checkpoint=learned),
        **_base_.generator),
    # the statistics of YDbDr suit no learned view
    encoders=dict(view_norm=True))
