"""Linear read-out, ResNet-50. Published ImageNet top-1: InfoMin 67.4 (100 epochs), 70.1 (200),
73.0 (800); InstDis 59.5, MoCo 60.8, PIRL 61.7, MoCo v2 67.5 (200 epochs)."""
_base_ = [
    '../_base_/read_out/linear_resnet50.py',
    '../_base_/read_out/in1k_classes.py',
    '../_base_/read_out/sgd_steplr_60e.py',
    '../_base_/pretrain_runtime.py',
]
