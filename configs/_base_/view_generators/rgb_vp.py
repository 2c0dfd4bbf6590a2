"""Volume-preserving flow (NICE: additive couplings) of RGB; the views are channels 0 | 1, 2."""
generator = dict(
    type='FlowGenerator',
    in_space='RGB',
    coupling='additive',
    num_blocks=3,
    hidden_channels=16,
    mixing='permute')
