"""Features from two views that the pipeline makes of an image of STL-10, by one encoder.

The views are left to the configs of sweet_spot/: `recipe`, or a pipeline. Sizes, rates and lengths
are this project's.
"""
_base_ = ['../view_learning/contrast.py', 'held_out.py']

model = dict(
    _delete_=True,
    type='CrossViewContrast',
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        channels_last=True),
    encoders=dict(
        type='SharedEncoder',
        backbone=dict(in_channels=3, **_base_.trunk),
        neck=_base_.neck),
    head=dict(type='ContrastiveHead', temperature=0.1))
