"""Colorful Moving-MNIST at the size of a laptop's CPU.

scikit-learn's digits over the labelled images of a set of folders, `classify/{train,test}/CLASS/`,
of 64×64 pixels or more, which are dimmed: over bright ones, contrast does not begin to tell digits
apart within minutes.
"""
_base_ = 'moving_mnist.py'

data_root = 'data/cutouts'
backgrounds = dict(
    type='ImageFolder',
    data_root=f'{data_root}/classify/train',
    with_labels=True,
    pipeline=[dict(type='LoadImage')])
test_backgrounds = dict(backgrounds, data_root=f'{data_root}/classify/test')
dataset = dict(
    _base_.dataset,
    backgrounds=dict(_delete_=True, **backgrounds),
    digits='sklearn',
    digits_root=None,
    brightness=0.3,
    cache=True)
test_dataset = dict(
    dataset, split='test', backgrounds=dict(_delete_=True, **test_backgrounds), length=1000)
train_dataloader = dict(batch_size=64, num_workers=1, pin_memory=False, dataset=dataset)
train_cfg = dict(max_iters=1200)
default_hooks = dict(checkpoint=dict(interval=500))
read_out = dict(
    bank=dict(num_workers=0, dataset=dict(dataset, length=4000)),
    queries=dict(test=dict(num_workers=0, dataset=test_dataset)))
mutual_information = dict(
    num_workers=0,
    dataset=dict(backgrounds=dict(_delete_=True, **test_backgrounds), length=1000))
