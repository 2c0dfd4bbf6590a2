"""CMC: luminance against chrominance, two half-width ResNet-50, banks (Tian et al. 2019)."""
_base_ = 'cross-view_resnet50.py'

neck = dict(type='mmselfsup.LinearNeck', in_channels=1024, out_channels=128)
model = dict(
    data_preprocessor=dict(keep=('sample_idx', )),
    encoders=dict(
        encoder1=dict(neck=dict(_delete_=True, **neck)),
        encoder2=dict(neck=dict(_delete_=True, **neck))),
    head=dict(temperature=0.07),
    # 0.66 GB each on each GPU; see instdis_resnet50.py
    memory=dict(
        _delete_=True,
        type='KeyBank',
        length=1281167,
        channels=128,
        num_negatives=65536,
        momentum=0.5))
