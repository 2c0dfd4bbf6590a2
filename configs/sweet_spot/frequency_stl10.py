"""Which frequencies go to which view, on STL-10."""
_base_ = [
    '../_base_/view_learning/contrast.py', '../_base_/sweet_spot/held_out.py',
    '../_base_/sweet_spot/frequency.py'
]

encoder = dict(backbone=dict(in_channels=3, **_base_.trunk), neck=_base_.neck)
model = dict(
    generator=_base_.generator,
    encoders=dict(encoder1=encoder, encoder2=encoder, view_channels=(3, 3)))
