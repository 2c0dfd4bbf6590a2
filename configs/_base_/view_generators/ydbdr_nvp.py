"""Flow that changes volume (RealNVP: affine couplings) of YDbDr; views: channels 0 | 1, 2."""
generator = dict(
    type='FlowGenerator',
    in_space='YDbDr',
    coupling='affine',
    max_log_scale=1.0,
    num_blocks=3,
    hidden_channels=16,
    mixing='permute')
