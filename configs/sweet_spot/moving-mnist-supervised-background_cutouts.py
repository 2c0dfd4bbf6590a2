"""The background of Colorful Moving-MNIST from labels: the bound of what views could teach."""
_base_ = '../_base_/sweet_spot/moving_mnist_supervised_folders.py'

model = dict(factor='background', num_classes=8)  # of the class folders
