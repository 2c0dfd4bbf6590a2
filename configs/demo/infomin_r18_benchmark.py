"""InfoMin on a set in the form of the mini set, with a kNN curve on its labelled images.

Trains on ``objects/``, whose images show one object each, and measures on
``classify/{train,test}``.
"""
_base_ = 'infomin_r18_images.py'

data_root = 'data/mini'
pipeline = _base_.train_dataloader.dataset.pipeline
# half the image at least, so that views share the object; digits are not their mirror images
pipeline[1].views.recipe[0].update(scale=(0.5, 1.0))
pipeline[1].views.recipe[1].update(prob=0.0)
pipeline[1].patches.recipe[1].update(prob=0.0)
train_dataloader = dict(dataset=dict(data_root=data_root + '/objects', pipeline=pipeline))

labelled = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        with_labels=True,
        pipeline=[
            dict(type='LoadImage'),
            dict(
                type='MultiView',
                views=dict(
                    num=1, recipe=[dict(type='CenterResizedCrop', size=64, crop_ratio=1.0)])),
            dict(type='PackViews', meta_keys=('img_path', 'gt_label')),
        ]))
bank = labelled | dict(dataset=labelled['dataset'] | dict(data_root=data_root + '/classify/train'))
test = labelled | dict(dataset=labelled['dataset'] | dict(data_root=data_root + '/classify/test'))
custom_hooks = [dict(type='KNNHook', bank=bank, queries=dict(test=test))]
