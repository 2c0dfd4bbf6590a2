"""PIRL with ResNet-50: InstDis with a jigsaw branch (Misra & van der Maaten 2020)."""
_base_ = 'instdis_resnet50.py'

model = dict(
    head=dict(loss_weight=0.5),
    jigsaw_neck=dict(type='JigsawNeck', patch_neck=_base_.model.neck, channels=128),
    jigsaw_head=dict(type='ContrastiveHead', temperature=0.07, loss_weight=0.5))
