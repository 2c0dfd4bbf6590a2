"""Fine-tuning with 10% of ImageNet's labels: as with 1%, the head 10 times as fast as the trunk.

mmselfsup 1.0's resnet50_head10_4xb64-steplr1e-2-20e_in1k-10pct, which has less weight decay.
"""
_base_ = 'resnet50_head100_8xb32-steplr1e-2-20e_in1k-1pct.py'

train_dataloader = dict(dataset=dict(share=0.1))
optim_wrapper = dict(
    optimizer=dict(weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10.0)}))
