"""An optimiser for each player of a game."""

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from torch import nn

from infomin_plugin.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PlayerOptimWrapperConstructor:
    """Build one optimiser wrapper for each child of a model that learns.

    .. code:: python

        optim_wrapper = dict(
            constructor='PlayerOptimWrapperConstructor',
            generator=dict(optimizer=dict(type='Adam', lr=1e-4), clip_grad=dict(max_norm=1)),
            encoders=dict(optimizer=dict(type='AdamW', lr=1e-3)))

    Args:
        optim_wrapper_cfg: By child, what ``optim_wrapper`` is for a whole model, ``constructor``
            and ``paramwise_cfg`` included. A value that is no dict, such as
            ``type='AmpOptimWrapper'``, holds for every child that does not say otherwise; a child
            that is None is left out.
        paramwise_cfg: Must be None: it belongs to a child.

    Raises:
        TypeError: If ``paramwise_cfg`` is given.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        if paramwise_cfg is not None:
            raise TypeError('paramwise_cfg belongs to a player: optim_wrapper.NAME.paramwise_cfg')
        self.players = {name: cfg for name, cfg in optim_wrapper_cfg.items()
                        if isinstance(cfg, dict)}
        self.shared = {key: value for key, value in optim_wrapper_cfg.items()
                       if value is not None and key not in self.players}

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build them.

        Args:
            model (nn.Module): Maybe wrapped for distributed training, as a whole or child by
                child.

        Returns:
            OptimWrapperDict: One wrapper a player, in the order of the config.

        Raises:
            ValueError: If a player is no child of the model, if a child that has parameters to
                learn is no player, or if two players share a parameter.
        """
        model = model.module if is_model_wrapper(model) else model
        children = {name: [p for p in child.parameters() if p.requires_grad]
                    for name, child in model.named_children()}
        learning = sorted(name for name, parameters in children.items() if parameters)
        if sorted(self.players) != learning:
            raise ValueError(f'optim_wrapper has the players {sorted(self.players)}, the children '
                             f'of {type(model).__name__} that learn are {learning}')
        owners: dict = {}
        for name in self.players:
            for parameter in children[name]:
                owner = owners.setdefault(parameter, name)
                if owner != name:
                    raise ValueError(f'optim_wrapper: the players {owner!r} and {name!r} share a '
                                     f'parameter of shape {tuple(parameter.shape)}')
        return OptimWrapperDict(**{
            name: build_optim_wrapper(getattr(model, name), {**self.shared, **cfg})
            for name, cfg in self.players.items()})
