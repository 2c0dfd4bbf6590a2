"""As read_out_r18.py, for the two trunks of cmc_r18.py behind their view generator."""
_base_ = 'read_out_r18.py'

preprocessor = _base_.model.data_preprocessor
model = dict(
    backbone=dict(
        type='TwoViewBackbone',
        generator=dict(type='ColorSpaceGenerator', space='YDbDr'),
        view_norm=True,
        mean=preprocessor.mean,
        std=preprocessor.std,
        stem_channels=8,
        base_channels=8))
