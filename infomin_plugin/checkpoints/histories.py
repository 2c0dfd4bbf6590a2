"""MMEngine's logs in a pickle: kept as the numbers they are until a training goes on."""

from typing import Any

from mmengine.logging import HistoryBuffer

from .arrays import PickledArray


class PickledHistory:
    """Takes the place of a ``HistoryBuffer``; keeps its numbers."""

    state: Any = None

    def __init__(self, *ignored: Any) -> None:
        """Accept what the constructor is given: nothing."""

    def restore(self) -> HistoryBuffer:
        """Make the buffer.

        Raises:
            ValueError: If it is none.
        """
        state = self.state if isinstance(self.state, dict) else {}
        values, counts = (state.get(f'_{name}_history') for name in ('log', 'count'))
        length = state.get('max_length')
        if not (isinstance(values, PickledArray) and isinstance(counts, PickledArray)
                and type(length) is int and length > 0):
            raise ValueError('is no whole history')
        values, counts = values.to_tensor().numpy(), counts.to_tensor().numpy()
        if values.ndim != 1 or values.shape != counts.shape:
            raise ValueError(f'is a history of shapes {values.shape} and {counts.shape}')
        return HistoryBuffer(values, counts, length)
