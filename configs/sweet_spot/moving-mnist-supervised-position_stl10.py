"""The position of Colorful Moving-MNIST from labels: the bound of what views could teach."""
_base_ = '../_base_/sweet_spot/moving_mnist_supervised.py'

model = dict(factor='position')
