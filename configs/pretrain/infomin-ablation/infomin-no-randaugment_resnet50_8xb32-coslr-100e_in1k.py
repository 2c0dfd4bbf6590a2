"""InfoMin without RandAugment; 100 epochs."""
_base_ = '../infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin - RandAugment'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe = [
    step for step in pipeline[1].views.recipe if step.type != 'RandAugment'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
