"""The methods on small photographs, on a CPU: docs/results/cutouts.md.

``data/cutouts`` has ``objects/``, ``classify/``, ``VOCdevkit/`` and ``coco/``; another folder:
--cfg-options data_root=DIR.
"""
gpus = 0
work_dir = 'work_dirs/cutouts'

splits = ['data_root=data/cutouts', 'train_split=trainval', 'test_split=test']
unseen = ['test_split=test_unseen']
measures = dict(
    read_out=dict(kind='read_out', config='configs/cutouts/read_out_r18.py'),
    voc=dict(config='configs/demo/faster-rcnn_r18_fpn_voc-form.py', options=splits),
    voc_test_unseen=dict(kind='test', of='voc', options=unseen),
    coco=dict(config='configs/demo/mask-rcnn_r18_fpn_coco-form.py', options=splits),
    coco_test_unseen=dict(kind='test', of='coco', options=unseen))

# two trunks of half the width, side by side
half_width = [
    'model.backbone.base_channels=8', 'model.backbone.stem_channels=8',
    'model.neck.in_channels=[16,32,64,128]'
]
two_views = dict(
    read_out=dict(config='configs/cutouts/read_out_two-view-r18.py'),
    voc=dict(
        config='configs/demo/faster-rcnn_two-view-r18_fpn_voc-form.py', options=half_width),
    coco=dict(
        config='configs/demo/mask-rcnn_two-view-r18_fpn_coco-form.py', options=half_width))

long_epochs = 60
lengthened = [
    f'train_cfg.max_epochs={long_epochs}', f'param_scheduler.0.T_max={long_epochs}',
    f'param_scheduler.0.end={long_epochs}'
]

folder = 'configs/cutouts'
rows = {
    'random': dict(method='random', pretrained='random'),
    'mmselfsup-mocov2': dict(
        method="mmselfsup's MoCo v2", pretrain=f'{folder}/mmselfsup-mocov2_r18.py'),
    'instdis': dict(method='InstDis', pretrain=f'{folder}/instdis_r18.py'),
    'pirl': dict(method='PIRL', pretrain=f'{folder}/pirl_r18.py'),
    'moco': dict(method='MoCo', pretrain=f'{folder}/moco_r18.py'),
    'mocov2': dict(method='MoCo v2', pretrain=f'{folder}/mocov2_r18.py'),
    'cmc': dict(method='CMC', pretrain=f'{folder}/cmc_r18.py', changes=two_views),
    'infomin': dict(method='InfoMin', pretrain=f'{folder}/infomin_r18.py'),
    'infomin-no-jigsaw': dict(
        method='InfoMin - jigsaw', pretrain=f'{folder}/infomin-no-jigsaw_r18.py'),
    'infomin-no-blur': dict(method='InfoMin - blur', pretrain=f'{folder}/infomin-no-blur_r18.py'),
    'infomin-no-randaugment': dict(
        method='InfoMin - RandAugment', pretrain=f'{folder}/infomin-no-randaugment_r18.py'),
    'infomin-weak-jitter': dict(
        method='InfoMin - strong jitter', pretrain=f'{folder}/infomin-weak-jitter_r18.py'),
    'pirl-long': dict(method='PIRL', pretrain=f'{folder}/pirl_r18.py', options=lengthened),
    'mocov2-long': dict(
        method='MoCo v2', pretrain=f'{folder}/mocov2_r18.py', options=lengthened),
    'infomin-long': dict(
        method='InfoMin', pretrain=f'{folder}/infomin_r18.py', options=lengthened),
}
