"""SGD 0.03 at batch 256, cosine to a thousandth, stepped once an epoch, 200 epochs."""
max_epochs = 200
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4))
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, T_max=max_epochs, begin=0, end=max_epochs)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
# --auto-scale-lr scales from 8 GPUs x 32 images
auto_scale_lr = dict(enable=False, base_batch_size=256)
# above a batch of 256, as the authors' code does; over 500 epochs for 10
warm_up = dict(start_lr=0.01, epochs=5, above=256)
