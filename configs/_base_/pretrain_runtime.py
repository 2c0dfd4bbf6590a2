"""What every pre-training run shares: scope, runner, hooks, logs."""
default_scope = 'infomin_plugin'
runner_type = 'infomin_plugin.InfoMinRunner'
# where views change colours after crop and flip: 'worker', or 'device', over batches; the same
# distribution
photometry = 'worker'

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50),
    # two at least: the oldest is removed before the newest is written
    checkpoint=dict(type='CheckpointHook', interval=10, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'))

env_cfg = dict(
    cudnn_benchmark=True,
    # no threads inside a worker: the workers themselves fill the cores
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
# losses are logged as means over the last 50 steps, accuracies as the last step's
log_processor = dict(window_size=50)
vis_backends = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
visualizer = dict(type='Visualizer', vis_backends=vis_backends)
randomness = dict(seed=0, diff_rank_seed=True)
resume = False
load_from = None
