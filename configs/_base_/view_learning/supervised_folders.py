"""Supervised view learning on folders: the generator serves the classifiers alone."""
_base_ = 'semi-supervised_folders.py'

regime = 'supervised'

train_dataloader = dict(
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='ImageFolder',
        data_root=_base_.data_root + '/classify/train',
        with_labels=True,
        pipeline=_base_.pipeline))
model = dict(contrast_weight=0.0)
