"""Dicts of a pickle, which keep what is under plain keys: text, bytes, numbers and None.

To hash another's key could take for ever: a nested tuple costs what its copies would.
"""

import pickle
from collections import Counter, OrderedDict
from collections.abc import MutableMapping, Sequence
from typing import Any

# Below it each int has a hash of its own, and a dict of them is not slow: Python's hash of an int
# is its remainder by this number.
MAX_KEY = (1 << 61) - 1


def is_plain(key: Any) -> bool:
    """Whether a value is kept as a key, or in a set."""
    if isinstance(key, int):
        return -MAX_KEY < key < MAX_KEY
    return key is None or isinstance(key, str | bytes | float)


def put_items(target: MutableMapping, items: Sequence[Any]) -> None:
    """Set the items under plain keys.

    Args:
        target (MutableMapping): Where.
        items (Sequence): Key, value, key, value …

    Raises:
        ValueError: If a value is absent.
    """
    for key, value in zip(items[::2], items[1::2], strict=True):
        if is_plain(key):
            target[key] = value


def counter(counts: Any = None) -> Counter:
    """Stand in for ``collections.Counter``, as which schedulers keep their milestones.

    Raises:
        UnpicklingError: If it is not given a dict.
    """
    if not isinstance(counts, dict):
        raise pickle.UnpicklingError('it counts what is no dict')
    result = Counter()
    for key, value in counts.items():
        result[key] = value
    return result


def ordered_dict(pairs: Any = (), *ignored: Any) -> OrderedDict:
    """Stand in for ``collections.OrderedDict``, to which Python 2 gives a list of pairs.

    Raises:
        UnpicklingError: If these are none.
    """
    if not isinstance(pairs, list | tuple):
        raise pickle.UnpicklingError('it makes a dict of what is no list')
    result = OrderedDict()
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise pickle.UnpicklingError('it makes a dict of what are no pairs')
        put_items(result, pair)
    return result
