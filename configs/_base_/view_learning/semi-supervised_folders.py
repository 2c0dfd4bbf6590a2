"""Semi-supervised view learning on folders; a quarter of every batch is labelled."""
_base_ = 'unsupervised_folders.py'

regime = 'semi-supervised'

train_dataloader = dict(
    sampler=dict(
        _delete_=True,
        type='mmdet.MultiSourceSampler',
        batch_size=_base_.batch_size,
        source_ratio=[1, 3]),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        ignore_keys=['classes'],
        datasets=[
            dict(
                type='ImageFolder',
                data_root=_base_.data_root + '/classify/train',
                with_labels=True,
                pipeline=_base_.pipeline),
            dict(
                type='ImageFolder',
                data_root=_base_.data_root + '/objects',
                pipeline=_base_.pipeline),
        ]))
model = dict(
    classifiers=dict(
        type='TwoViewClassifier',
        backbone1=dict(in_channels=1, **_base_.trunk),
        backbone2=dict(in_channels=2, **_base_.trunk),
        in_channels=128,
        num_classes=None,  # from the folders
        view_norm=True),
    classifier_weight=1.0)
optim_wrapper = dict(
    classifiers=dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4)))
