"""As linear_resnet50_8xb32-steplr-60e_in1k.py, training images through RandAugment.

Two operations of magnitude 10; of pre-training are their list, the deviation of the magnitude, the
probability and the colour from outside. Translations are 0.45 of the side, 100.8 px of 224, where
the authors' read-out has 100 px (translate_const).
"""
_base_ = ['linear_resnet50_8xb32-steplr-60e_in1k.py', '../_base_/recipes/infomin_aug.py']

rand_augment = [step for step in _base_.infomin_aug if step['type'] == 'RandAugment']
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe += rand_augment
train_dataloader = dict(dataset=dict(pipeline=pipeline))
