"""Trainings in pieces, and what must be the same as in one that was not disturbed."""

import json
from pathlib import Path

import torch
from mmengine.hooks import Hook

# of logs: what depends on the machine
_MEASURED = {'time', 'data_time', 'memory'}


class Interrupted(Exception):
    """A training was stopped."""


class Interrupt(Hook):
    """Stops a training after so many iterations, when all other hooks have been called."""

    priority = 'LOWEST'

    def __init__(self, done: int) -> None:
        self.done = done

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if runner.iter + 1 == self.done:
            raise Interrupted


def logged_by_step(work_dir: Path) -> dict[tuple, dict]:
    """What all pieces of a run logged; where two logged the same step, what the later did."""
    lines = {}
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            values = {name: value for name, value in json.loads(line).items()
                      if name not in _MEASURED}
            lines[(values['step'], *sorted(values))] = values
    return lines


def saved_state(path: Path) -> dict:
    """All that a checkpoint of a test's own run says of the training, but times and places."""
    checkpoint = torch.load(path)
    hub = checkpoint['message_hub']
    histories = {name: (history.data[0].tolist(), history.data[1].tolist())
                 for name, history in hub['log_scalars'].items()
                 if name.split('/')[-1] not in _MEASURED}
    return dict(
        weights=dict(checkpoint['state_dict']), optimizer=checkpoint['optimizer'],
        schedulers=checkpoint['param_schedulers'], histories=histories,
        position=[checkpoint['meta'][key] for key in ('epoch', 'iter', 'seed')],
        more={key: value for key, value in checkpoint.items() if key not in {
            'state_dict', 'optimizer', 'param_schedulers', 'message_hub', 'meta'}})


def differences(first, second, name: str = '') -> list[str]:
    """Names of what is not the same in two nests of containers, tensors bit by bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        same = first.dtype == second.dtype and torch.equal(first, second)
        return [] if same else [name]
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        pairs = [(key, first[key], second[key]) for key in first]
    elif isinstance(first, list | tuple) and len(first) == len(second):
        pairs = zip(range(len(first)), first, second, strict=True)
    else:
        return [] if type(first) is type(second) and first == second else [name]
    return [found for key, *both in pairs for found in differences(*both, name=f'{name}/{key}')]
