"""InfoMin with linear heads. The authors: 65.9 top-1; 100 epochs."""
_base_ = '../infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin - MLP head'
linear = dict(type='mmselfsup.LinearNeck', in_channels=2048, out_channels=128)
model = dict(
    neck=dict(_delete_=True, **linear),
    jigsaw_neck=dict(patch_neck=dict(_delete_=True, **linear)))
