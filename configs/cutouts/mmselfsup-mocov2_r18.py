"""mmselfsup's own MoCo v2 on photographed objects: its class, transforms and collation.

Network, images, optimiser and length are those of mocov2_r18.py beside it.
"""
_base_ = 'infomin_r18.py'

method = "mmselfsup's MoCo v2"
views_preprocessor = _base_.model.data_preprocessor
model = dict(
    _delete_=True,
    type='mmselfsup.MoCo',
    queue_len=512,
    feat_dim=64,
    momentum=0.5,
    data_preprocessor=dict(
        type='mmselfsup.SelfSupDataPreprocessor',
        mean=views_preprocessor.mean,
        std=views_preprocessor.std,
        bgr_to_rgb=True),
    backbone=_base_.model.backbone,
    neck=_base_.small_neck,
    head=dict(
        type='mmselfsup.ContrastiveHead',
        loss=dict(type='mmcls.CrossEntropyLoss'),
        temperature=0.2))

view = [
    dict(type='mmselfsup.RandomResizedCrop', size=64, scale=(0.3, 1.0), backend='pillow'),
    dict(
        type='mmselfsup.RandomApply',
        transforms=[
            dict(
                type='mmselfsup.ColorJitter',
                brightness=0.4,
                contrast=0.4,
                saturation=0.4,
                hue=0.1)
        ],
        prob=0.8),
    dict(
        type='mmselfsup.RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989)),
    dict(type='mmselfsup.RandomGaussianBlur', sigma_min=0.1, sigma_max=0.6, prob=0.5),
    dict(type='mmselfsup.RandomFlip', prob=0.5),
]
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='mmselfsup.LoadImageFromFile'),
        dict(type='mmselfsup.MultiView', num_views=2, transforms=[view]),
        dict(type='mmselfsup.PackSelfSupInputs', meta_keys=['img_path']),
    ]))

# the features of another package's model: those of its trunk
custom_hooks = _base_.custom_hooks
custom_hooks[0].update(data_preprocessor=views_preprocessor)
