"""Fine-tuning with 1% and 10% of ImageNet's labels, ResNet-50."""
_base_ = '_base_/initialisations.py'

folder = 'configs/semi-supervised'
measures = {
    'labels-1pct': dict(config=f'{folder}/resnet50_head100_8xb32-steplr1e-2-20e_in1k-1pct.py'),
    'labels-10pct': dict(config=f'{folder}/resnet50_head10_8xb32-steplr1e-2-20e_in1k-10pct.py'),
}
rows = {
    name: _base_.initialisations[name]
    for name in ('random', 'moco-200e', 'mocov2-200e', 'infomin-200e', 'infomin-800e')
}
