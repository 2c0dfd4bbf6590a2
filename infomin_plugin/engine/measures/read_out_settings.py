"""What a config's ``read_out`` may say, looked at before anything is built or encoded."""

from typing import Any

from mmengine.config import Config, ConfigDict

from infomin_plugin.evaluation.knn import check_knn
from infomin_plugin.evaluation.linear import check_penalties

METHODS = 'linear', 'knn'
_NEEDED = 'bank', 'queries'
_KEYS = {*_NEEDED, 'optional', 'labels', 'methods', 'knn', 'inverse_penalty'}
_KNN_KEYS = {'k', 'temperature'}


def tasks_of(cfg: Config) -> dict[str, ConfigDict]:
    """What is read out, by the name of the task, which is empty if there is one only."""
    return {'': cfg.read_out} if _NEEDED[0] in cfg.read_out else cfg.read_out


def key_of(task: str, *keys: str) -> str:
    """Dotted key of a setting of a task."""
    return '.'.join(filter(None, ('read_out', task, *keys)))


def check_read_out(cfg: Config) -> None:
    """Refuse settings that :func:`.read_out` cannot do.

    Args:
        cfg (Config): With ``model`` and ``read_out``.

    Raises:
        ValueError: If a key is missing or unknown, or a value is none that it may have.
    """
    for key, what in dict(read_out='which images to fit and to test', model='what encodes').items():
        if not isinstance(cfg.get(key), dict) or not cfg[key]:
            raise ValueError(f'{cfg.filename} has no {key}: {what}')
    for task, settings in tasks_of(cfg).items():
        _check_task(task, settings)


def check_bank_length(task: str, settings: ConfigDict, images: int) -> None:
    """Refuse more neighbours than the bank has images.

    Args:
        task (str): See :func:`tasks_of`.
        settings (ConfigDict): Of the task.
        images (int): Of the bank.

    Raises:
        ValueError: See :func:`check_knn`.
    """
    if 'knn' in settings.get('methods', ()):
        check_knn(**settings.get('knn', {}), images=images, prefix=f'{key_of(task, "knn")}.')


def _check_task(task: str, settings: Any) -> None:
    where = key_of(task)
    missing = [key for key in _NEEDED if key not in _keys(where, settings, _KEYS)]
    if missing:
        raise ValueError(f'{where} has no {" and no ".join(missing)}: it needs '
                         f'{" and ".join(_NEEDED)}')
    for key in ('queries', 'labels'):
        if key in settings and (not isinstance(settings[key], dict) or not settings[key]):
            raise ValueError(f'{where}.{key} must be a dict by name, got {settings[key]!r:.80}')
    methods = settings.get('methods', METHODS[:1])
    unknown = [methods] if isinstance(methods, str) else [
        method for method in methods if method not in METHODS]
    if unknown or not methods:
        raise ValueError(f"{where}.methods must be a list of 'linear' and 'knn', got "
                         f'{", ".join(map(repr, unknown or [methods]))}')
    knn = settings.get('knn', {})
    _keys(f'{where}.knn', knn, _KNN_KEYS)
    check_knn(**knn, prefix=f'{where}.knn.')
    check_penalties(settings.get('inverse_penalty', 1.0), prefix=f'{where}.')


def _keys(where: str, settings: Any, known: set[str]) -> set[str]:
    if not isinstance(settings, dict):
        raise ValueError(f'{where} must be a dict of {_listed(known)}, got {settings!r:.80}')
    if unknown := set(settings) - known:
        raise ValueError(f'{where} has no {_listed(unknown)}: its keys are {_listed(known)}')
    return set(settings)


def _listed(keys: set[str]) -> str:
    return ', '.join(sorted(map(str, keys)))
