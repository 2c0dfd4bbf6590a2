"""infomin_r18_benchmark.py for photographed objects, with a second test split of unseen objects."""
_base_ = 'infomin_r18_benchmark.py'

data_root = 'data/cutouts'
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe[0].update(scale=(0.3, 1.0))
pipeline[1].views.recipe[1].update(prob=0.5)
pipeline[1].patches.recipe[1].update(prob=0.5)
train_dataloader = dict(dataset=dict(data_root=data_root + '/objects', pipeline=pipeline))

knn = _base_.custom_hooks[0]
knn.bank.dataset.update(data_root=data_root + '/classify/train')
knn.queries.update(test_unseen=_base_.test.copy())
knn.queries.test.dataset.update(data_root=data_root + '/classify/test')
knn.queries.test_unseen.dataset = knn.queries.test.dataset | dict(
    data_root=data_root + '/classify/test_unseen')
custom_hooks = _base_.custom_hooks
