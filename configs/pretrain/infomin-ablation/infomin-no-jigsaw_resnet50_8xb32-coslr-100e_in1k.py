"""InfoMin without its jigsaw branch; 100 epochs."""
_base_ = '../infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin - jigsaw'
model = dict(jigsaw_neck=None, jigsaw_head=None, head=dict(loss_weight=1.0))

pipeline = _base_.train_dataloader.dataset.pipeline
del pipeline[1].patches
train_dataloader = dict(dataset=dict(pipeline=pipeline))
