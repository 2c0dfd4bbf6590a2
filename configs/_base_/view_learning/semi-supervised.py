"""Semi-supervised view learning on STL-10: a classifier on each view of the labelled images.

A quarter of every batch is labelled.
"""
_base_ = 'unsupervised.py'

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
            dict(type='STL10', data_root=_base_.data_root, split=split, pipeline=_base_.pipeline)
            for split in ('train', 'unlabeled')
        ]))
model = dict(
    classifiers=dict(
        type='TwoViewClassifier',
        backbone1=dict(in_channels=1, **_base_.trunk),
        backbone2=dict(in_channels=2, **_base_.trunk),
        in_channels=256,
        num_classes=10,
        view_norm=True),
    classifier_weight=1.0)
optim_wrapper = dict(
    classifiers=dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4)))
