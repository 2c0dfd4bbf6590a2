"""InfoMin with the colour jitter of MoCo v2, half as strong; 100 epochs."""
_base_ = '../infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin - strong jitter'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe[2].transforms[0].update(
    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
train_dataloader = dict(dataset=dict(pipeline=pipeline))
