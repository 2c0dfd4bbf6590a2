"""InfoMin, ResNeXt-152 32x8d, 200 epochs. Published ImageNet read-out: 75.2 top-1.

The authors' table has 120 million parameters beside it, which is 32x8d. They trained on 32 GPUs
x 16 images: --cfg-options train_dataloader.batch_size=16 there.
"""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_200e.py']

model = dict(
    backbone=dict(type='mmselfsup.ResNeXt', depth=152, groups=32, width_per_group=8))
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=0.06))
auto_scale_lr = dict(base_batch_size=512)
