"""InfoMin on photographed objects, with a second test split of unseen objects.

The base of the other methods here: same network, images, optimiser and length, so that a row of
docs/results/cutouts.md differs from another in what makes the method. 30 epochs.
"""
_base_ = '../demo/infomin_r18_benchmark.py'

data_root = 'data/cutouts'
pipeline = _base_.train_dataloader.dataset.pipeline
# a third of the image at least; photographed objects may be mirrored
pipeline[1].views.recipe[0].update(scale=(0.3, 1.0))
pipeline[1].views.recipe[1].update(prob=0.5)
pipeline[1].patches.recipe[1].update(prob=0.5)
train_dataloader = dict(dataset=dict(data_root=data_root + '/objects', pipeline=pipeline))

labelled = _base_.labelled
splits = {
    split: labelled
    | dict(dataset=labelled.dataset | dict(data_root=f'{data_root}/classify/{split}'))
    for split in ('train', 'test', 'test_unseen')
}
custom_hooks = [
    dict(
        type='KNNHook',
        interval=5,
        bank=splits['train'],
        queries=dict(test=splits['test'], test_unseen=splits['test_unseen']))
]

max_epochs = 30
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=1e-3,
        T_max=max_epochs,
        begin=0,
        end=max_epochs,
        convert_to_iter_based=True)
]
train_cfg = dict(max_epochs=max_epochs)
