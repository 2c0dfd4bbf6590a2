"""What the parts of InfoMin bring: ResNet-50, 100 epochs, linear read-out on ImageNet."""
_base_ = '_base_/initialisations.py'

measures = dict(linear=dict(config='configs/linear/linear_resnet50_8xb32-steplr-60e_in1k.py'))
methods = {
    'infomin-no-jigsaw': 'InfoMin - jigsaw',
    'infomin-no-blur': 'InfoMin - blur',
    'infomin-no-randaugment': 'InfoMin - RandAugment',
    'infomin-weak-jitter': 'InfoMin - strong jitter',
    'infomin-t020': 'InfoMin, T 0.2',
    'infomin-linear-head': 'InfoMin - MLP head',
    'infomin-no-jigsaw-linear-head': 'InfoMin - jigsaw - MLP head',
}
rows = {'infomin-100e': _base_.initialisations['infomin-100e']} | {
    f'{name}-100e': dict(
        method=method,
        pretrain=f'{_base_.folder}/infomin-ablation/{name}_resnet50_8xb32-coslr-100e_in1k.py')
    for name, method in methods.items()
}
