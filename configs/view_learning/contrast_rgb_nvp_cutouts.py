"""Features of views learned from RGB, not volume-preserving, on folders.

--cfg-options model.generator.init_cfg.checkpoint=CKPT names the run that learned them.
"""
_base_ = [
    '../_base_/view_learning/contrast_folders.py', '../_base_/view_generators/rgb_nvp.py'
]

learned = 'work_dirs/semi-supervised_rgb_nvp_cutouts/iter_200.pth'
model = dict(
    generator=dict(
        init_cfg=dict(type='Pretrained', prefix='generator.', checkpoint=learned),
        **_base_.generator))
