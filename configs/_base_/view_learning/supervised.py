"""Supervised view learning on STL-10: the generator serves the classifiers alone.

The encoders learn beside it, so that I_NCE is measured.
"""
_base_ = 'semi-supervised.py'

regime = 'supervised'

train_dataloader = dict(
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='STL10',
        data_root=_base_.data_root,
        split='train',
        pipeline=_base_.pipeline))
model = dict(contrast_weight=0.0)
