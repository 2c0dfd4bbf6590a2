"""Features of frozen views of images in folders, at the size of a laptop's CPU."""
_base_ = 'unsupervised_folders.py'

regime = 'raw'

batch_size = 128
train_dataloader = dict(batch_size=batch_size)

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
train_cfg = dict(max_iters=300)
default_hooks = dict(checkpoint=dict(interval=100))
model_wrapper_cfg = None
custom_hooks = []

# tools/analysis/read_out.py
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='MultiView', views=dict(num=1, recipe=[dict(type='CenterCrop', size=64)])),
    dict(type='PackViews', meta_keys=('gt_label', 'sample_idx')),
]
loader = dict(
    batch_size=200,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'))
splits = {
    split: dict(
        dataset=dict(
            type='ImageFolder',
            data_root=f'{_base_.data_root}/classify/{split}',
            with_labels=True,
            pipeline=test_pipeline),
        **loader)
    for split in ('train', 'test', 'test_unseen')
}
read_out = dict(
    bank=splits['train'],
    queries=dict(test=splits['test'], test_unseen=splits['test_unseen']),
    optional=['test_unseen'],  # a set need not have it
    inverse_penalty=[1e-3, 1e-2, 1e-1, 1.0])
