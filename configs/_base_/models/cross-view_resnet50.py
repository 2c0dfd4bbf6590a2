"""Contrast of two frozen views, each with a half-width ResNet-50: CMC v2 (PyContrast)."""
_base_ = '../view_norms/ydbdr.py'

trunk = dict(
    type='mmselfsup.ResNet',
    depth=50,
    stem_channels=64,  # the authors' stem is whole
    base_channels=32,
    out_indices=(4, ))
neck = dict(type='mmselfsup.MoCoV2Neck', in_channels=1024, hid_channels=1024, out_channels=128)
model = dict(
    type='CrossViewContrast',
    # generators take RGB in 0…1
    data_preprocessor=dict(
        type='ViewDataPreprocessor', mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0)),
    # luminance | chrominance
    generator=dict(type='ColorSpaceGenerator', space='YDbDr'),
    encoders=dict(
        type='TwoViewEncoder',
        encoder1=dict(backbone=dict(in_channels=1, **trunk), neck=neck),
        encoder2=dict(backbone=dict(in_channels=2, **trunk), neck=neck),
        view_norm=_base_.ydbdr_norm),
    head=dict(type='ContrastiveHead', temperature=0.2),
    memory=dict(type='KeyQueue', length=65536, channels=128),
    momentum=0.999)
