"""InfoMin with ResNet-50: MoCo v2 with a jigsaw branch at temperature 0.15 (Tian et al. 2020)."""
_base_ = 'mocov2_resnet50.py'

model = dict(
    head=dict(temperature=0.15, loss_weight=0.5),
    jigsaw_neck=dict(
        type='JigsawNeck',
        patch_neck=dict(
            type='mmselfsup.MoCoV2Neck', in_channels=2048, hid_channels=2048, out_channels=128),
        channels=128),
    jigsaw_head=dict(type='ContrastiveHead', temperature=0.15, loss_weight=0.5))
