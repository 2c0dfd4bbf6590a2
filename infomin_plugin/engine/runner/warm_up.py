"""A slow start for learning rates that were scaled up with the batch."""

from collections.abc import Sequence


def warm_up_schedulers(warm_up: dict | None, batch: int, rates: Sequence[float]) -> list[dict]:
    """Schedulers that lead linearly to the rate, by iterations, in front of a config's own.

    As the authors' code does above a batch of 256: from 0.01, for 5 epochs, of runs over 500
    epochs for 10. Multiplies what the config's own schedulers give, so that the warm-up ends on
    their curve.

    Args:
        warm_up (dict | None): ``start_lr``, above 0, ``epochs``, at least 1, and ``above``, the
            largest batch without a warm-up. None or empty: no warm-up.
        batch (int): Images of an optimiser step: of all processes, and accumulated.
        rates (Sequence[float]): Learning rates of the parameter groups, scaled.

    Returns:
        list[dict]: One ``LinearLR`` or none; none where the rate is below ``start_lr``.

    Raises:
        ValueError: If a setting is missing, unknown or outside its range.
    """
    if not warm_up:
        return []
    if set(warm_up) != {'start_lr', 'epochs', 'above'}:
        raise ValueError('warm_up needs start_lr, epochs and above, and nothing else; got '
                         f'{sorted(warm_up)}')
    if warm_up['start_lr'] <= 0 or warm_up['epochs'] < 1:
        raise ValueError('warm_up needs start_lr above 0 and at least 1 epoch, got '
                         f'{warm_up["start_lr"]} and {warm_up["epochs"]}')
    factor = warm_up['start_lr'] / max(rates)
    if batch <= warm_up['above'] or factor >= 1:
        return []
    return [dict(type='LinearLR', start_factor=factor, begin=0, end=warm_up['epochs'],
                 by_epoch=True, convert_to_iter_based=True)]
