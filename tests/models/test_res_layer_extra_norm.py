"""The shared head is mmdet's res5 with one more batch norm behind it."""

import torch
from mmdet.models.roi_heads.shared_heads import ResLayer
from torch import nn

from infomin_plugin.registry import MODELS

SETTINGS = dict(depth=50, norm_cfg=dict(type='BN', requires_grad=True), norm_eval=False)


def _head() -> nn.Module:
    torch.manual_seed(0)
    return MODELS.build(dict(type='infomin_plugin.ResLayerExtraNorm', **SETTINGS))


def test_is_res5_followed_by_batch_norm():
    head, stock = _head(), ResLayer(**SETTINGS)
    missing, unexpected = stock.load_state_dict(head.state_dict(), strict=False)
    assert not missing
    assert sorted(unexpected) == [
        f'norm.{name}' for name in
        ('bias', 'num_batches_tracked', 'running_mean', 'running_var', 'weight')
    ]

    x = torch.randn(3, 1024, 4, 4)
    head.train(), stock.train()
    nn.init.normal_(head.norm.weight), nn.init.normal_(head.norm.bias)
    res5 = stock(x)
    mean = res5.mean((0, 2, 3), keepdim=True)
    var = res5.var((0, 2, 3), unbiased=False, keepdim=True)
    expected = ((res5 - mean) / (var + 1e-5).sqrt() * head.norm.weight.view(1, -1, 1, 1)
                + head.norm.bias.view(1, -1, 1, 1))
    out = head(x)
    assert out.shape == (3, 2048, 2, 2)
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=1e-4)


def test_norms_train_and_learn():
    head = _head()
    head.eval(), head.train()
    norms = [module for module in head.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 3 * 3 + 1 + 1  # three blocks of three, the shortcut's, the extra one
    assert all(norm.training and norm.weight.requires_grad for norm in norms)


def test_belongs_to_our_scope_only():
    from mmdet.registry import MODELS as MMDET_MODELS
    # mmselfsup puts a class of that name into mmdet's registry
    assert MMDET_MODELS.module_dict.get('ResLayerExtraNorm') is not type(_head())
    assert type(_head()).__module__.startswith('infomin_plugin.')
