# As mask-rcnn_two-view-r50_fpn_8xb2-1x_coco.py, on the C4 features: res5 of either ResNet runs on
# its half of the regions' channels.
_base_ = ['./faster-rcnn_r50-c4_8xb2-24k_voc0712.py', '../_base_/view_norms/ydbdr.py']

model = dict(
    backbone=dict(
        type='infomin_plugin.TwoViewBackbone',
        generator=dict(type='infomin_plugin.ColorSpaceGenerator', space='YDbDr'),
        view_norm={{_base_.ydbdr_norm}},
        mean={{_base_.model.data_preprocessor.mean}},
        std={{_base_.model.data_preprocessor.std}},
        stem_channels=64,
        base_channels=32),
    roi_head=dict(shared_head=dict(type='infomin_plugin.TwoViewResLayer', base_channels=32)))
