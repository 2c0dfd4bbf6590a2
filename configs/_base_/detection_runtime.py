# What every detection config shares: runner, hooks, optimiser, iterations as the unit.
_base_ = 'mmdet::_base_/default_runtime.py'

runner_type = 'infomin_plugin.InfoMinRunner'
pretrained = None  # a checkpoint; tools/train.py CONFIG --pretrained CKPT sets it

custom_hooks = [dict(type='infomin_plugin.PreciseBNHook', num_iters=200)]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5000, max_keep_ckpts=3))
log_processor = dict(by_epoch=False)

val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(norm_decay_mult=0.))  # as Detectron2 does, which mmdet's schedules do not
auto_scale_lr = dict(enable=False, base_batch_size=16)
