"""Unsupervised view learning at the size of a laptop's CPU, on a folder of a set's own form.

``data_root`` has ``objects/``, unlabelled images, and ``classify/{train,test}/CLASS/``, labelled
ones, of 64×64 pixels or more: the cutouts benchmark, the mini set, or one of your own.
"""
_base_ = 'unsupervised.py'

data_root = 'data/cutouts'
pipeline = [dict(type='LoadImage'), *_base_.pipeline]
batch_size = 64
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=1,
    pin_memory=False,
    dataset=dict(
        _delete_=True, type='ImageFolder', data_root=data_root + '/objects', pipeline=pipeline))

# quarter-width
trunk = dict(_base_.trunk, stem_channels=16, base_channels=16)
neck = dict(_base_.neck, in_channels=128, hid_channels=128, out_channels=64)
model = dict(
    encoders=dict(
        encoder1=dict(backbone=dict(in_channels=1, **trunk), neck=neck),
        encoder2=dict(backbone=dict(in_channels=2, **trunk), neck=neck)))

optim_wrapper = dict(generator=dict(optimizer=dict(lr=3e-3)))
train_cfg = dict(max_iters=200)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=50))
custom_hooks = [dict(type='ViewPicturesHook', interval=50)]
log_processor = dict(window_size=20)
