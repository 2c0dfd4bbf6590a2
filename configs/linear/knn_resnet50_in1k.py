"""Weighted nearest neighbours on a ResNet-50's features: k 200, temperature 0.07 (Wu et al. 2018).

tools/analysis/read_out.py configs/linear/knn_resnet50_in1k.py --pretrained CKPT
"""
_base_ = ['../_base_/read_out/in1k_classes.py', '../_base_/pretrain_runtime.py']

model = dict(
    type='TrunkFeatures',
    # ImageNet statistics of RGB in 0–255
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375)),
    backbone=dict(type='mmdet.ResNet', depth=50))

loader = _base_.val_dataloader
bank = loader | dict(dataset=loader.dataset | dict(data_root=f'{_base_.data_root}/train'))
read_out = dict(
    bank=bank, queries=dict(val=loader), methods=['knn'], knn=dict(k=200, temperature=0.07))
