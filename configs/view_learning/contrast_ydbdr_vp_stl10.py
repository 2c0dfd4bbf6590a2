"""Features of views learned from YDbDr, volume-preserving, on STL-10.

--cfg-options model.generator.init_cfg.checkpoint=CKPT names the run that learned them.
"""
_base_ = [
    '../_base_/view_learning/contrast.py', '../_base_/view_generators/ydbdr_vp.py'
]

learned = 'work_dirs/semi-supervised_ydbdr_vp_stl10/iter_20000.pth'
model = dict(
    generator=dict(
        init_cfg=dict(type='Pretrained', prefix='generator.', checkpoint=learned),
        **_base_.generator))
