"""ImageNet-1k with labels; ``data_root`` may be any ``{train,val}/<class>/`` of images."""
data_root = 'data/imagenet'

# 256 -> centre 224
test_pipeline = [
    dict(type='LoadImage', reduce=True),
    dict(
        type='MultiView',
        views=dict(num=1, recipe=[dict(type='CenterResizedCrop', size=224, crop_ratio=0.875)])),
    dict(type='PackViews', meta_keys=('gt_label', 'img_path')),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        data_root=f'{data_root}/train',
        with_labels=True,
        pipeline=[
            dict(type='LoadImage', reduce=True),
            dict(
                type='MultiView',
                views=dict(
                    num=1,
                    recipe=[
                        dict(
                            type='RandomResizedCrop',
                            size=224,
                            scale=(0.2, 1.0),
                            ratio=(3 / 4, 4 / 3)),
                        dict(type='RandomFlip', prob=0.5),
                    ])),
            dict(type='PackViews', meta_keys=('gt_label', 'img_path')),
        ]))
val_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        data_root=f'{data_root}/val',
        with_labels=True,
        test_mode=True,
        pipeline=test_pipeline))
val_evaluator = dict(type='mmcls.Accuracy', topk=(1, 5))
val_cfg = dict()
test_dataloader = val_dataloader
test_evaluator = val_evaluator
test_cfg = dict()
