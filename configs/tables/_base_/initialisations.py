"""Where the trunks of the paper's tables come from: a pre-training, torchvision's weights, nothing.

The tables over this file share their work dir, so that a trunk is pre-trained once for all.
"""
gpus = 8
work_dir = 'work_dirs/tables'

folder = 'configs/pretrain'
initialisations = {
    'random': dict(method='random', pretrained='random'),
    'supervised': dict(method='supervised', pretrained='supervised'),
    'instdis-200e': dict(
        method='InstDis',
        pretrain=f'{folder}/instdis/instdis_resnet50_8xb32-coslr-200e_in1k.py'),
    'pirl-200e': dict(
        method='PIRL', pretrain=f'{folder}/pirl/pirl_resnet50_8xb32-coslr-200e_in1k.py'),
    'cmc-200e': dict(method='CMC', pretrain=f'{folder}/cmc/cmc_resnet50_8xb32-coslr-200e_in1k.py'),
    'moco-200e': dict(
        method='MoCo', pretrain=f'{folder}/moco/moco_resnet50_8xb32-coslr-200e_in1k.py'),
    'mocov2-200e': dict(
        method='MoCo v2', pretrain=f'{folder}/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py'),
    'cmcv2-200e': dict(
        method='CMC v2', pretrain=f'{folder}/cmcv2/cmcv2_resnet50_8xb32-coslr-200e_in1k.py'),
    'infomin-100e': dict(
        method='InfoMin', pretrain=f'{folder}/infomin/infomin_resnet50_8xb32-coslr-100e_in1k.py'),
    'infomin-200e': dict(
        method='InfoMin', pretrain=f'{folder}/infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py'),
    'infomin-800e': dict(
        method='InfoMin', pretrain=f'{folder}/infomin/infomin_resnet50_8xb32-coslr-800e_in1k.py'),
    # larger encoders
    'random-resnet101': dict(method='random', pretrained='random'),
    'supervised-resnet101': dict(method='supervised', pretrained='supervised'),
    'infomin-resnet101-300e': dict(
        method='InfoMin',
        pretrain=f'{folder}/infomin/infomin_resnet101_8xb32-coslr-300e_in1k.py'),
    'infomin-resnet152-200e': dict(
        method='InfoMin',
        pretrain=f'{folder}/infomin/infomin_resnet152_8xb32-coslr-200e_in1k.py'),
    'random-resnext101': dict(method='random', pretrained='random'),
    'supervised-resnext101': dict(method='supervised', pretrained='supervised'),
    'infomin-resnext101-200e': dict(
        method='InfoMin',
        pretrain=f'{folder}/infomin/infomin_resnext101-32x8d_8xb64-coslr-200e_in1k.py'),
    'random-resnext152': dict(method='random', pretrained='random'),
    'infomin-resnext152-200e': dict(
        method='InfoMin',
        pretrain=f'{folder}/infomin/infomin_resnext152-32x8d_8xb64-coslr-200e_in1k.py'),
}
