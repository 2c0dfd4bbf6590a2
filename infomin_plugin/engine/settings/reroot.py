"""One key, ``data_root``, moves every path of a config to another folder."""

from mmengine.config import Config


def reroot(cfg: Config) -> None:
    """Carry ``cfg.data_root`` into the paths that the config file wrote below its own data root.

    A config file puts its paths together from the variable ``data_root``, and
    ``--cfg-options data_root=DIR`` replaces that variable too late. Here every string that is the
    file's data root, or lies below it, is moved below the new one: what editing the file would do.

    Args:
        cfg (Config): Changed in place. Without ``data_root`` or a file it is left as it is.
    """
    new = cfg.get('data_root')
    if not new or not cfg.filename:
        return
    old = Config.fromfile(cfg.filename).get('data_root')
    if not old or old == new:
        return
    old, new = old.rstrip('/'), new.rstrip('/')

    def moved(value):
        if isinstance(value, dict):
            for key in value:
                value[key] = moved(value[key])
        elif isinstance(value, list | tuple):
            return type(value)(moved(item) for item in value)
        elif isinstance(value, str) and (value == old or value.startswith(old + '/')):
            return new + value[len(old):]
        return value

    for key in cfg.keys():
        if key not in ('data_root', 'work_dir'):
            cfg[key] = moved(cfg[key])
