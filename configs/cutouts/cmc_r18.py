"""CMC on photographed objects: luminance against chrominance, two trunks of half the width."""
_base_ = ['infomin_r18.py', '../_base_/recipes/cmc_aug.py']

method = 'CMC'
trunk = dict(
    type='mmselfsup.ResNet',
    depth=18,
    stem_channels=8,
    base_channels=8,
    out_indices=(4, ),
    zero_init_residual=True)
neck = dict(type='mmselfsup.LinearNeck', in_channels=64, out_channels=64)
model = dict(
    _delete_=True,
    type='CrossViewContrast',
    # generators take RGB in 0…1
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(0.0, 0.0, 0.0),
        std=(255.0, 255.0, 255.0),
        channels_last=True,
        keep=('sample_idx', )),
    generator=dict(type='ColorSpaceGenerator', space='YDbDr'),
    encoders=dict(
        type='TwoViewEncoder',
        encoder1=dict(backbone=dict(in_channels=1, **trunk), neck=neck),
        encoder2=dict(backbone=dict(in_channels=2, **trunk), neck=neck),
        view_norm=True),
    head=dict(type='ContrastiveHead', temperature=0.07),
    memory=dict(type='KeyBank', length=None, channels=64, num_negatives=512))

_base_.cmc_aug[0].update(size=64, scale=(0.3, 1.0))
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        # without the recipe's last step, the change of colour space: the generator takes RGB
        dict(type='MultiView', views=dict(num=1, recipe=_base_.cmc_aug[:-1])),
        dict(type='PackViews', meta_keys=('img_path', 'sample_idx')),
    ]))
