"""Read-outs on ImageNet: the paper's methods with ResNet-50, InfoMin with larger encoders.

A linear classifier is measured everywhere, with crop and flip; one with RandAugment, and nearest
neighbours, where a ResNet-50 is read out, see configs/linear/.
"""
_base_ = '_base_/initialisations.py'

linear = 'configs/linear/linear_{}_8xb32-steplr-60e_in1k.py'
measures = {
    'linear': dict(config=linear.format('resnet50')),
    'linear-randaugment': dict(
        config='configs/linear/linear_resnet50_8xb32-steplr-60e_randaug_in1k.py'),
    'knn': dict(kind='read_out', config='configs/linear/knn_resnet50_in1k.py'),
}
resnet50 = ('instdis-200e', 'pirl-200e', 'moco-200e', 'mocov2-200e', 'infomin-100e',
            'infomin-200e', 'infomin-800e')
other = {
    'cmc-200e': 'two-view-resnet50',
    'cmcv2-200e': 'two-view-resnet50',
    'infomin-resnet101-300e': 'resnet101',
    'infomin-resnet152-200e': 'resnet152',
    'infomin-resnext101-200e': 'resnext101-32x8d',
    'infomin-resnext152-200e': 'resnext152-32x8d',
}
rows = {name: _base_.initialisations[name] for name in resnet50} | {
    name: dict(
        _base_.initialisations[name],
        measures=['linear'],
        changes=dict(linear=dict(config=linear.format(encoder))))
    for name, encoder in other.items()
}
