"""InstDis on photographed objects: one view against a bank with a key for each image."""
_base_ = 'moco_r18.py'

method = 'InstDis'
model = dict(
    data_preprocessor=dict(keep=('sample_idx', )),
    neck=dict(_delete_=True, type='mmselfsup.LinearNeck', in_channels=128, out_channels=64),
    # as many negatives as the queue of the other methods has keys
    memory=dict(_delete_=True, type='KeyBank', length=None, channels=64, num_negatives=512))

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        dict(type='MultiView', views=dict(num=1, recipe=_base_.instdis_aug)),
        dict(type='PackViews', meta_keys=('img_path', 'sample_idx')),
    ]))
