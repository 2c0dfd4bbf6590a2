"""Linear read-out, ResNet-50, on what tools/analysis/cache_features.py wrote: no augmentation.

The model is that of linear_resnet50_8xb32-steplr-60e_in1k.py, whose tests take its checkpoints.
Other trunks: --cfg-options model.backbone.depth=101 …
"""
_base_ = 'linear_resnet50_8xb32-steplr-60e_in1k.py'

data_root = 'data/imagenet_features'
model = dict(type='infomin_plugin.CachedClassifier')
train_dataloader = dict(
    batch_size=256,
    num_workers=4,
    dataset=dict(_delete_=True, type='CachedFeatures', data_root=f'{data_root}/train'))
val_dataloader = dict(
    batch_size=1024,
    num_workers=4,
    dataset=dict(_delete_=True, type='CachedFeatures', data_root=f'{data_root}/val'))
test_dataloader = val_dataloader
custom_hooks = [dict(type='CachedTrunkHook')]
