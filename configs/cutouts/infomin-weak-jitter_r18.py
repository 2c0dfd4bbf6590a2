"""InfoMin with the colour jitter of MoCo v2, half as strong."""
_base_ = 'infomin_r18.py'

method = 'InfoMin - strong jitter'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe[2].transforms[0].update(
    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
train_dataloader = dict(dataset=dict(pipeline=pipeline))
