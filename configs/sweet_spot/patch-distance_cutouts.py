"""How far apart two patches of a scene are, on folders: `pretrain/`, scenes of 192 px or more."""
_base_ = '../_base_/sweet_spot/two_views_folders.py'

pipeline = [
    dict(type='LoadImage'),
    dict(type='PatchPair', distance=64, size=64),
    dict(type='PackViews', meta_keys=('sample_idx', )),
]
train_dataloader = dict(
    dataset=dict(data_root=f'{_base_.data_root}/pretrain', pipeline=pipeline))
mutual_information = dict(
    dataset=dict(data_root=f'{_base_.data_root}/VOCdevkit/VOC2007/JPEGImages'))

sweep = dict(
    keys=['train_dataloader.dataset.pipeline.1.distance'],
    values=[0, 16, 32, 64, 96, 128],
    label='distance between the patches, px')
