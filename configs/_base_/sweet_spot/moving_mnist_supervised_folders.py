"""A factor of Colorful Moving-MNIST learned from its labels, with f1's trunk; on folders."""
_base_ = 'moving_mnist_folders.py'

model = dict(
    _delete_=True,
    type='SupervisedFactor',
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        channels_last=True,
        keep=('gt_label', 'background', 'position')))
mutual_information = None  # there is no pair of views
sweep = None
