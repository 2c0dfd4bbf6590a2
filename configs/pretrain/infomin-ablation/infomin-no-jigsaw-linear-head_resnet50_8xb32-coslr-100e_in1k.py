"""InfoMin with a linear head and no jigsaw branch; 100 epochs. The authors: 63.6 top-1."""
_base_ = 'infomin-no-jigsaw_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin - jigsaw - MLP head'
model = dict(
    neck=dict(_delete_=True, type='mmselfsup.LinearNeck', in_channels=2048, out_channels=128))
