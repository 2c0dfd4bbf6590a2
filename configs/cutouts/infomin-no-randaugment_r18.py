"""InfoMin without RandAugment."""
_base_ = 'infomin_r18.py'

method = 'InfoMin - RandAugment'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe = [
    step for step in pipeline[1].views.recipe if step.type != 'RandAugment'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
