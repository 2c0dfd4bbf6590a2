"""Which factors the views of Colorful Moving-MNIST share, on STL-10."""
_base_ = '../_base_/sweet_spot/moving_mnist.py'
