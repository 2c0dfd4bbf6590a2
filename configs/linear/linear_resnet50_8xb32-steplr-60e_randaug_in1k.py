"""As linear_resnet50_8xb32-steplr-60e_in1k.py, training images through RandAugment.

Two operations of magnitude 10; of pre-training are their list, the deviation of the magnitude, the
probability and the colour from outside. Translations are 0.45 of the side, 100.8 px of 224, where
the authors' read-out has 100 px (translate_const).
"""
_base_ = ['linear_resnet50_8xb32-steplr-60e_in1k.py', '../_base_/recipes/infomin_aug.py']

rand_augment = [step for step in _base_.infomin_aug if step['type'] == 'RandAugment']
train_dataloader = dict(
    dataset=dict(pipeline=[
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
                    *rand_augment,
                ])),
        dict(type='PackViews', meta_keys=('gt_label', 'img_path')),
    ]))
