"""PIRL on photographed objects: InstDis with a jigsaw branch."""
_base_ = 'instdis_r18.py'

method = 'PIRL'
model = dict(
    head=dict(loss_weight=0.5),
    jigsaw_neck=dict(
        _delete_=True, type='JigsawNeck', patch_neck=_base_.model.neck, channels=64),
    jigsaw_head=dict(
        _delete_=True, type='ContrastiveHead', temperature=0.07, loss_weight=0.5))

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        dict(
            type='MultiView',
            views=dict(num=1, recipe=_base_.instdis_aug),
            patches=dict(num=1, recipe=_base_.jigsaw)),
        dict(type='PackViews', meta_keys=('img_path', 'sample_idx')),
    ]))
