# As mask-rcnn_two-view-r18_fpn_coco-form.py, on a folder in PASCAL VOC form.
_base_ = './faster-rcnn_r18_fpn_voc-form.py'

trunk_channels = 16  # of each; stages have 1, 2, 4, 8 times as many
model = dict(
    backbone=dict(
        type='infomin_plugin.TwoViewBackbone',
        generator=dict(type='infomin_plugin.ColorSpaceGenerator', space='YDbDr'),
        view_norm=True,
        mean={{_base_.model.data_preprocessor.mean}},
        std={{_base_.model.data_preprocessor.std}},
        base_channels=trunk_channels),
    neck=dict(in_channels=[2 * trunk_channels * 2**stage for stage in range(4)]))
