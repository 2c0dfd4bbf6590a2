"""InfoMin without blur; 100 epochs."""
_base_ = '../infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin - blur'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe = [
    step for step in pipeline[1].views.recipe
    if step.get('transforms', [step])[0].type != 'GaussianBlur'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
