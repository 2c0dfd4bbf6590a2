# The two views of a frozen view generator in the place of the image: two ResNet-50 of half the
# width but for the stem (PyContrast), whose features lie side by side. --pretrained CKPT, a
# checkpoint of CrossViewContrast or its export, or PyContrast's of two modalities, brings its own
# generator and norm of the views; without one they are CMC's.
_base_ = ['./mask-rcnn_r50_fpn_8xb2-1x_coco.py', '../_base_/view_norms/ydbdr.py']

model = dict(
    backbone=dict(
        type='infomin_plugin.TwoViewBackbone',
        generator=dict(type='infomin_plugin.ColorSpaceGenerator', space='YDbDr'),
        view_norm={{_base_.ydbdr_norm}},
        mean={{_base_.model.data_preprocessor.mean}},
        std={{_base_.model.data_preprocessor.std}},
        stem_channels=64,
        base_channels=32))
