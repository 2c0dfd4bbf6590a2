"""Where the time of a sample goes: the pipeline itself runs, with clocks around its parts."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from unittest import mock

from timing import seed_all

from infomin_plugin.datasets.transforms import MultiView, RandomApply
from infomin_plugin.datasets.transforms.changes import RandomTransform
from infomin_plugin.datasets.transforms.loading import EncodedJpeg
from infomin_plugin.datasets.transforms.operations import OPERATIONS

DECODING = 'LoadImage'
_PATCHES = 'jigsaw: '
# Time between the parts that have a name, and that of the random numbers.
_GLUE, _DRAWING = ('between the steps', ''), ('drawing', '')


class Stopwatch:
    """Adds up the time of parts that call each other, each without the parts inside it.

    A part is (step, change): a step of a recipe and an operation that it drew, or '' for its rest.
    """

    def __init__(self) -> None:
        self.seconds = defaultdict(float)
        self.calls = Counter()
        self._running = []  # [part, seconds of the parts inside it], the innermost last
        self._steps = []  # names of the steps that are running
        self._drawn = deque()  # whose changes MultiView has drawn and not applied

    def clock(self, part: tuple[str, str] | Callable, function: Callable) -> Callable:
        """Return the function with a clock around it; ``part`` may be asked for at each call."""

        def timed(*args, **kwargs):
            self._running.append([part() if callable(part) else part, 0])
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent = time.perf_counter() - start
                name, inside = self._running.pop()
                self.seconds[name] += spent - inside
                self.calls[name] += 1
                if self._running:
                    self._running[-1][1] += spent

        return timed

    def clock_step(self, step: Callable, place: str = '') -> None:
        """Put clocks around a step and the steps inside it. A foreign step is one part."""
        name = place + type(step).__name__
        own = isinstance(step, (MultiView, RandomTransform))
        step.transform = self._inside(name, self.clock(_GLUE if own else (name, ''),
                                                       step.transform))
        if isinstance(step, RandomTransform):
            step.draw = self._noted(name, self.clock(_DRAWING, step.draw))
        if isinstance(step, RandomApply):
            for inner in step.transforms:
                self.clock_step(inner, place)
        if isinstance(step, MultiView):
            for groups, inner_place in ((step.views, ''), (step.patches, _PATCHES)):
                for inner in (inner for group in groups for inner in group.steps):
                    self.clock_step(inner, inner_place)

    def _inside(self, name: str, function: Callable) -> Callable:
        def run(results: dict) -> dict:
            self._steps.append(name)
            try:
                return function(results)
            finally:
                self._steps.pop()

        return run

    def _noted(self, name: str, draw: Callable) -> Callable:
        """MultiView draws the first step of every recipe before it applies any, in this order."""

        def run(*args, **kwargs) -> list:
            changes = draw(*args, **kwargs)
            if self._steps[-1] == MultiView.__name__:
                self._drawn.extend([name] * len(changes))
            return changes

        return run

    def operations(self) -> dict[str, Callable]:
        """Return ``OPERATIONS`` with clocks around them."""

        def part(change: str) -> tuple[str, str]:
            step = self._steps[-1]
            return (self._drawn.popleft() if step == MultiView.__name__ else step), change

        return {name: self.clock(lambda name=name: part(name), operation)
                for name, operation in OPERATIONS.items()}


def time_steps(pipeline: Sequence[Callable], files: Sequence[str], repeats: int,
               seed: int) -> list[dict]:
    """Time the steps of a pipeline of ours, over all files ``repeats`` times.

    Args:
        pipeline: Built transforms; they keep the clocks, so that it is of no other use afterwards.
        files: Paths.
        repeats: Turns.
        seed: Of the first turn.

    Returns:
        list[dict]: The parts, those that take most first: step, change, calls_a_sample, ms_a_call
            (mean of the calls), ms_a_sample, share (of the whole sample, in 0..1).
    """
    watch = Stopwatch()
    for step in pipeline:
        watch.clock_step(step)
    decode = watch.clock((DECODING, 'decode'), EncodedJpeg.decode)
    with mock.patch.dict(OPERATIONS, watch.operations()), \
            mock.patch.object(EncodedJpeg, 'decode', lambda *args: decode(*args)):
        for repeat in range(repeats):
            seed_all(seed + repeat)
            for path in files:
                sample = dict(img_path=path)
                for step in pipeline:
                    sample = step(sample)
    samples, total = repeats * len(files), sum(watch.seconds.values())
    return [dict(step=part[0], change=part[1], calls_a_sample=watch.calls[part] / samples,
                 ms_a_call=seconds / watch.calls[part] * 1e3, ms_a_sample=seconds / samples * 1e3,
                 share=seconds / total)
            for part, seconds in sorted(watch.seconds.items(), key=lambda item: -item[1])]
