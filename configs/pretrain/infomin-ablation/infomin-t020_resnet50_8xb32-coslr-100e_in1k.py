"""InfoMin at the temperature of MoCo v2; 100 epochs."""
_base_ = '../infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'

method = 'InfoMin, T 0.2'
model = dict(head=dict(temperature=0.2), jigsaw_head=dict(temperature=0.2))
