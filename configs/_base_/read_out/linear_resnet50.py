"""A linear classifier on a frozen ResNet-50 (Tian et al. 2020; PyContrast)."""
# a file that is not there: a run must say which weights it measures, if only 'random'
pretrained = '(--pretrained is not given)'

model = dict(
    type='mmcls.ImageClassifier',
    # ImageNet statistics of RGB in 0–255
    data_preprocessor=dict(
        type='infomin_plugin.ClassifierDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375)),
    # the stem and all stages, in evaluation mode
    backbone=dict(
        type='mmcls.ResNet',
        depth=50,
        frozen_stages=4,
        norm_eval=True,
        # of --pretrained random: as the encoders start in pre-training
        zero_init_residual=False),
    neck=dict(type='mmcls.GlobalAveragePooling'),
    head=dict(
        type='mmcls.LinearClsHead',
        num_classes=None,  # from the folders
        in_channels=2048,
        loss=dict(type='mmcls.CrossEntropyLoss', loss_weight=1.0)))
