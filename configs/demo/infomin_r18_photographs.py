"""infomin_r18_benchmark.py for photographed objects, with a second test split of unseen objects."""
_base_ = 'infomin_r18_benchmark.py'

data_root = 'data/cutouts'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe[0].update(scale=(0.3, 1.0))
pipeline[1].views.recipe[1].update(prob=0.5)
pipeline[1].patches.recipe[1].update(prob=0.5)
train_dataloader = dict(dataset=dict(data_root=data_root + '/objects', pipeline=pipeline))

labelled = _base_.labelled
bank = labelled | dict(dataset=labelled.dataset | dict(data_root=data_root + '/classify/train'))
test = labelled | dict(dataset=labelled.dataset | dict(data_root=data_root + '/classify/test'))
test_unseen = labelled | dict(
    dataset=labelled.dataset | dict(data_root=data_root + '/classify/test_unseen'))
custom_hooks = [
    dict(type='KNNHook', bank=bank, queries=dict(test=test, test_unseen=test_unseen))
]
