"""Linear read-out of two half-width ResNet-50, side by side. Published ImageNet top-1: CMC 58.6.

The generator and the norms of the views are those of the checkpoint; without one, those of CMC.
"""
_base_ = ['linear_resnet50_8xb32-steplr-60e_in1k.py', '../_base_/view_norms/ydbdr.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='infomin_plugin.TwoViewBackbone',
        generator=dict(type='infomin_plugin.ColorSpaceGenerator', space='YDbDr'),
        view_norm=_base_.ydbdr_norm,
        mean=_base_.model.data_preprocessor.mean,
        std=_base_.model.data_preprocessor.std,
        depth=50,
        stem_channels=64,
        base_channels=32,
        out_indices=(3, ),
        frozen_stages=4,
        norm_eval=True,
        zero_init_residual=False))
