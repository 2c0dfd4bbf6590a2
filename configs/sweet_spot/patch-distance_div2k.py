"""How far apart two patches of an image of DIV2K are; read out on STL-10.

Below `data_root`: `DIV2K/DIV2K_{train,valid}_HR/` and `stl10_binary/`.
"""
_base_ = '../_base_/sweet_spot/two_views.py'

data_root = 'data'
pipeline = [
    dict(type='LoadImage'),
    dict(type='PatchPair', distance=64, size=64),
    dict(type='PackViews', meta_keys=('sample_idx', )),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ImageFolder',
        data_root=f'{data_root}/DIV2K/DIV2K_train_HR',
        pipeline=pipeline))
mutual_information = dict(
    _delete_=True,
    dataset=dict(data_root=f'{data_root}/DIV2K/DIV2K_valid_HR'),
    num_workers=4)

sweep = dict(
    keys=['train_dataloader.dataset.pipeline.1.distance'],
    values=[64, 96, 128, 192, 256, 384],
    label='distance between the patches, px')
