"""Features from two views that the pipeline makes of an image in folders, by one encoder."""
_base_ = ['../view_learning/contrast_folders.py', 'held_out_folders.py']

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
