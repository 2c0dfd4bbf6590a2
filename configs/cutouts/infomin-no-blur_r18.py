"""InfoMin without blur."""
_base_ = 'infomin_r18.py'

method = 'InfoMin - blur'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe = [
    step for step in pipeline[1].views.recipe
    if step.get('transforms', [step])[0].type != 'GaussianBlur'
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
