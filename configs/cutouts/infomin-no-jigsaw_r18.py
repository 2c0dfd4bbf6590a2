"""InfoMin without its jigsaw branch."""
_base_ = 'infomin_r18.py'

method = 'InfoMin - jigsaw'
model = dict(jigsaw_neck=None, jigsaw_head=None, head=dict(loss_weight=1.0))

pipeline = _base_.train_dataloader.dataset.pipeline
del pipeline[1].patches
train_dataloader = dict(dataset=dict(pipeline=pipeline))
