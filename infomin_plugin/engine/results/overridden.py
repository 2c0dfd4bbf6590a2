"""Which settings of a training are not those of its config file."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from .descriptions import WHOLE_BATCH, last_folder, settings_of

# keys of our runner and MMEngine's that a fine-tuning's table need not compare
FURTHER = ('warm_up', 'run_hooks', 'photometry', 'channels_last', 'pretrained', 'pretrained_from')


def overridden_settings(cfg: Config) -> list[str]:
    """Compare a training's config with the file that it is from.

    Left out is what says on which machine, from which folder and on how many GPUs it runs.

    Args:
        cfg (Config): Rerooted, see :func:`.reroot`, otherwise as the command line left it. Of one
            that an earlier run dumped, with what was overridden there, that is kept.

    Returns:
        list[str]: ``'KEY=VALUE'``, sorted; empty without a file.
    """
    if not cfg.filename or not Path(cfg.filename).is_file():
        return []
    file = Config.fromfile(cfg.filename)
    found = dict(word.split('=', 1) for word in file.get('overridden', ()))
    written, given = _settings(file), _settings(cfg)
    found |= {key: given.get(key) for key in written.keys() | given.keys()
              if written.get(key) != given.get(key)}
    return [f'{key}={value}' for key, value in sorted(found.items())]


def _settings(cfg: Config) -> dict[str, Any]:
    settings = settings_of(cfg.to_dict(), {}, 'val')
    settings.pop(WHOLE_BATCH, None)  # a config does not say on how many processes it is run
    settings |= {key: cfg[key] for key in FURTHER if cfg.get(key) is not None}
    if cfg.get('load_from') and not cfg.get('resume'):
        settings['load_from'] = last_folder(cfg.load_from)
    return settings
