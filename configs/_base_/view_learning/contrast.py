"""Features of frozen views of STL-10: each view's queries against the other's keys.

The generator is left to the configs: a colour space, or what view learning made.
"""
_base_ = 'unsupervised.py'

regime = 'raw'

train_dataloader = dict(dataset=dict(split='train+unlabeled'))
model = dict(
    _delete_=True,
    type='CrossViewContrast',
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(0.0, 0.0, 0.0),
        std=(255.0, 255.0, 255.0),
        channels_last=True),
    encoders=_base_.model.encoders,
    head=dict(type='ContrastiveHead', temperature=0.1),
    memory=None)  # negatives are the other images of the batch

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4))
train_cfg = dict(max_iters=40000)
model_wrapper_cfg = None
custom_hooks = []

# tools/analysis/read_out.py: 5,000 labelled images to fit, 8,000 to test
test_pipeline = [
    dict(type='MultiView', views=dict(num=1, recipe=[dict(type='CenterCrop', size=64)])),
    dict(type='PackViews', meta_keys=('gt_label', 'sample_idx')),
]
loader = dict(
    batch_size=256,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'))
read_out = dict(
    bank=dict(
        dataset=dict(
            type='STL10', data_root=_base_.data_root, split='train', pipeline=test_pipeline),
        **loader),
    queries=dict(
        test=dict(
            dataset=dict(
                type='STL10', data_root=_base_.data_root, split='test', pipeline=test_pipeline),
            **loader)),
    inverse_penalty=[1e-3, 1e-2, 1e-1, 1.0])
