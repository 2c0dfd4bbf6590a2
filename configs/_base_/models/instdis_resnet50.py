"""InstDis with ResNet-50: a key for each image of ImageNet in a bank (Wu et al. 2018).

The bank, 1,281,167 keys of 128, is 0.66 GB on each GPU: every process holds all of it and makes the
same updates. For other images --cfg-options model.memory.length=None counts them.
"""
_base_ = 'moco_resnet50.py'

model = dict(
    data_preprocessor=dict(keep=('sample_idx', )),
    memory=dict(
        _delete_=True,
        type='KeyBank',
        length=1281167,
        channels=128,
        num_negatives=65536,
        momentum=0.5))
