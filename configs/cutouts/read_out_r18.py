"""Nearest neighbours and a linear classifier on the features of a small trunk.

tools/analysis/read_out.py configs/cutouts/read_out_r18.py --pretrained CKPT
"""
_base_ = 'infomin_r18.py'

model = dict(
    _delete_=True,
    type='TrunkFeatures',
    data_preprocessor=_base_.model.data_preprocessor,
    # as in a detector, which starts it in the same way
    backbone=dict(type='mmdet.ResNet', depth=18, stem_channels=16, base_channels=16))

read_out = dict(
    bank=_base_.splits.train,
    queries=dict(test=_base_.splits.test, test_unseen=_base_.splits.test_unseen),
    methods=['knn', 'linear'],
    knn=dict(k=20, temperature=0.07),
    inverse_penalty=[1e-3, 1e-2, 1e-1, 1.0])
