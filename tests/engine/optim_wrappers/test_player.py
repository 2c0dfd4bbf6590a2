import pytest
import torch
from mmengine.model import BaseModel, MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn


class Game(BaseModel):
    """Two players that learn, one child that does not and one without parameters."""

    def __init__(self):
        super().__init__()
        self.generator, self.encoders = nn.Linear(2, 2), nn.Linear(2, 2)
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.loss = nn.CrossEntropyLoss()
        self.classifiers = None

    def forward(self, inputs):
        return self.encoders(self.generator(inputs))


def config(**changes):
    players = dict(
        generator=dict(optimizer=dict(type='SGD', lr=0.1), clip_grad=dict(max_norm=1.0)),
        encoders=dict(optimizer=dict(type='Adam', lr=0.2),
                      paramwise_cfg=dict(bias_lr_mult=0.5)))
    return dict(constructor='PlayerOptimWrapperConstructor', **players | changes)


def build(model=None, **changes):
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        return build_optim_wrapper(model or Game(), config(**changes))


def test_a_wrapper_a_player_with_its_own_settings():
    model = Game()
    wrappers = build(model)
    assert isinstance(wrappers, OptimWrapperDict) and list(wrappers.keys()) == [
        'generator', 'encoders']
    generator, encoders = wrappers['generator'], wrappers['encoders']
    assert isinstance(generator.optimizer, torch.optim.SGD)
    assert isinstance(encoders.optimizer, torch.optim.Adam)
    assert generator.clip_grad_kwargs == dict(max_norm=1.0) and not encoders.clip_grad_kwargs
    assert [group['lr'] for group in generator.param_groups] == [0.1]
    assert {group['lr'] for group in encoders.param_groups if group['params']} == {0.2, 0.1}
    # paramwise_cfg makes MMEngine add a parameter of its own, whose rate is logged
    held = {name: {id(p) for group in wrapper.param_groups for p in group['params']}
            for name, wrapper in wrappers.items()}
    assert held['generator'] == set(map(id, model.generator.parameters()))
    assert held['encoders'] > set(map(id, model.encoders.parameters()))
    assert not held['encoders'] & held['generator']


def test_a_step_of_one_player_leaves_the_other_alone():
    model = Game()
    wrappers = build(model)
    before = {name: p.clone() for name, p in model.named_parameters()}
    wrappers['encoders'].update_params(model(torch.ones(1, 2)).sum())
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {'encoders.weight', 'encoders.bias'}


def test_settings_that_are_no_players_hold_for_all():
    wrappers = build(accumulative_counts=4)
    assert [wrapper._accumulative_counts for wrapper in wrappers.values()] == [4, 4]
    wrappers = build(accumulative_counts=4, generator=dict(
        optimizer=dict(type='SGD', lr=0.1), accumulative_counts=2))
    assert [wrapper._accumulative_counts for wrapper in wrappers.values()] == [2, 4]


def test_a_model_wrapped_child_by_child(tmp_path):
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1)
    try:
        model = Game()
        plain = set(map(id, model.generator.parameters()))
        wrappers = build(MMSeparateDistributedDataParallel(model))
        held = {id(p) for group in wrappers['generator'].param_groups for p in group['params']}
        assert held == plain
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize('changes, learning', [
    (dict(encoders=None), r"players \['generator'\]"),
    (dict(classifiers=dict(optimizer=dict(type='SGD', lr=1))), "players .*'classifiers'"),
    (dict(frozen=dict(optimizer=dict(type='SGD', lr=1))), "players .*'frozen'"),
])
def test_players_are_the_children_that_learn(changes, learning):
    with pytest.raises(ValueError, match=learning + r".* of Game that learn are \['encoders', "
                                                    r"'generator'\]"):
        build(**changes)


def test_players_share_no_parameter():
    model = Game()
    model.encoders.weight = model.generator.weight
    with pytest.raises(ValueError, match=r"'generator' and 'encoders' share a parameter of shape"):
        build(model)


def test_parameter_settings_belong_to_a_player():
    with pytest.raises(TypeError, match='paramwise_cfg belongs to a player'):
        build(paramwise_cfg=dict(bias_lr_mult=2))
