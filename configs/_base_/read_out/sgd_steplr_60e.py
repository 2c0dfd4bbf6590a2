"""SGD 30 at batch 256, no weight decay, a fifth of the rate from 30, 40 and 50 on, 60 epochs."""
max_epochs = 60
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=30.0, momentum=0.9, weight_decay=0.0))
param_scheduler = [
    dict(type='MultiStepLR', milestones=[30, 40, 50], gamma=0.2, begin=0, end=max_epochs)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
# --auto-scale-lr scales from 8 GPUs x 32 images
auto_scale_lr = dict(enable=False, base_batch_size=256)
