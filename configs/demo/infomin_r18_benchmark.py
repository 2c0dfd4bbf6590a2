"""The same on a set in the form of the mini set, with a kNN curve on its labelled images.

Reads ``objects/`` (not the labels) and measures on ``classify/{train,test}``.
"""
_base_ = 'infomin_r18_images.py'

data_root = 'data/mini'
train_dataloader = dict(dataset=dict(data_root=data_root + '/objects'))

labelled = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        data_root=data_root + '/classify/train',
        with_labels=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(
                type='MultiView',
                views=dict(
                    num=1, recipe=[dict(type='CenterResizedCrop', size=64, crop_ratio=1.0)])),
            dict(type='PackViews', meta_keys=('img_path', 'gt_label')),
        ]))
custom_hooks = _base_.custom_hooks + [
    dict(
        type='KNNHook',
        bank=labelled,
        queries=dict(test=dict(
            **labelled | dict(dataset=labelled['dataset'] | dict(
                data_root=data_root + '/classify/test')))),
        interval=1)
]
