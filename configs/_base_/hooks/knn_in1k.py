"""kNN curve of a pre-training on ImageNet: a tenth of its labelled images votes on ``val/``.

A base beside that of the pre-training, which gives ``data_root``. With the whole of ``train/`` each
point of the curve would see as many images as an epoch.
"""
knn_loader = dict(
    batch_size=128,
    num_workers=4,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'))
# 256 -> centre 224
knn_pipeline = [
    dict(type='LoadImage', reduce=True),
    dict(
        type='MultiView',
        views=dict(num=1, recipe=[dict(type='CenterResizedCrop', size=224, crop_ratio=0.875)])),
    dict(type='PackViews', meta_keys=('gt_label', 'img_path')),
]
custom_hooks = [
    dict(
        type='KNNHook',
        interval=10,
        k=20,
        temperature=0.07,
        bank=dict(
            dataset=dict(
                type='LabelledShare',
                data_root='data/imagenet/train',
                share=0.1,
                test_mode=True,
                pipeline=knn_pipeline),
            **knn_loader),
        queries=dict(
            val=dict(
                dataset=dict(
                    type='ImageFolder',
                    data_root='data/imagenet/val',
                    with_labels=True,
                    test_mode=True,
                    pipeline=knn_pipeline),
                **knn_loader)))
]
