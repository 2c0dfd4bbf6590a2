"""MoCo v2 at the budget of infomin_r18_benchmark.py: one branch, its own recipe, temperature 0.2."""
_base_ = ['infomin_r18_benchmark.py', '../_base_/recipes/mocov2_aug.py']
