"""MoCo v2 with ResNet-50: one branch, MLP head, temperature 0.2 (Chen et al. 2020)."""
model = dict(
    type='InfoMin',
    # ImageNet statistics of RGB in 0–255
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375)),
    # kaiming normal, fan out; stride in the 3x3, as torchvision
    backbone=dict(type='mmselfsup.ResNet', depth=50, out_indices=(4, )),
    neck=dict(
        type='mmselfsup.MoCoV2Neck', in_channels=2048, hid_channels=2048, out_channels=128),
    head=dict(type='ContrastiveHead', temperature=0.2),
    memory=dict(type='KeyQueue', length=65536, channels=128),
    momentum=0.999)
