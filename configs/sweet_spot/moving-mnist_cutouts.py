"""Which factors the views of Colorful Moving-MNIST share, on folders."""
_base_ = '../_base_/sweet_spot/moving_mnist_folders.py'
