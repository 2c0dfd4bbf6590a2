"""Time and memory of a training step against the passes in it and mmselfsup's MoCo, in one run.

What is compared takes turns, in random order; ratios are taken within a turn. Also: peak memory (a
process each), operators and waits for the device a step, where the rest goes, and two processes
against one. The data pipeline and the log file are left out on all sides.
"""

import argparse
import ctypes
import json
import math
import multiprocessing
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

M_MMAP_THRESHOLD = -3  # of malloc.h
WAITS = ('aten::_local_scalar_dense', 'aten::nonzero')


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', nargs='+', choices=['small', 'large'],
                        default=['small', 'large'])
    parser.add_argument('--repeats', type=int, default=5,
                        help='turns at the large size, 4 times as many at the small one, whose '
                        'steps are short (default: %(default)s)')
    parser.add_argument('--models', nargs='+', metavar='NAME',
                        help='measure these rows only, such as "MoCo v2"')
    parser.add_argument('--options', action='store_true',
                        help='time channels last and bfloat16 as well')
    parser.add_argument('--cpu-time', action='store_true',
                        help='CPU seconds, not those of the clock: on a machine that works beside')
    parser.add_argument('--no-scaling', action='store_true', help='leave two processes out')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures there too')
    args = parser.parse_args(argv)
    if args.repeats < 1:
        parser.error(f'--repeats must be at least 1, got {args.repeats}')
    return args


def in_child(function: Callable, *arguments: object) -> object:
    """What a function returns in a process of its own, forked while this one has no threads."""
    context = multiprocessing.get_context('fork')
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(function(*arguments)))
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        sys.exit(f'{function.__name__}{arguments} failed, see above')
    finally:
        child.join()


def peak_memory(name: str, size_name: str) -> float:
    """MB that a process grows by, at most, for a model and two steps of it."""
    from step_models import OPTIONS, SIZES, STEPS

    def status(key: str) -> float:
        lines = Path('/proc/self/status').read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1000

    # what is freed goes back to the system at once: no chance in the peak (glibc)
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 16)
    start = status('VmRSS')
    step = (STEPS | OPTIONS)[name](SIZES[size_name])
    for _ in range(2):
        step()
    return status('VmHWM') - start


def images_a_second(rank: int, processes: int, folder: str, steps: int) -> float:
    """Speed of InfoMin at the small size, one thread a process, the batch shared out."""
    import torch
    from step_models import SIZES, inputs, optimiser, ours
    from torch import distributed
    torch.set_num_threads(1)
    size = SIZES['small']
    size = size._replace(batch=size.batch // processes)
    model = step = ours(size, True)
    if processes > 1:
        distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank,
                                       world_size=processes)
        step = torch.nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    wrapper, data, times = optimiser(model), inputs(size, True), []
    for _ in range(steps + 1):
        start = time.perf_counter()
        with wrapper.optim_context(step):
            losses = step(data, mode='loss')
        wrapper.update_params(model.parse_losses(losses)[0])
        model.after_optimizer_step()
        times.append(time.perf_counter() - start)
    return size.batch * processes / statistics.median(times[1:])


def two_processes(rank: int, folder: str, steps: int) -> float:
    """Images a second of both, measured by rank 0, which starts the other."""
    context = multiprocessing.get_context('fork')
    other = context.Process(target=images_a_second, args=(1, 2, folder, steps))
    other.start()
    try:
        return images_a_second(rank, 2, folder, steps)
    finally:
        other.join()


def scaling(repeats: int, steps: int = 3) -> dict:
    """One process and two, in turns."""
    one, two = [], []
    for _ in range(repeats):
        one.append(in_child(images_a_second, 0, 1, '', steps))
        with TemporaryDirectory() as folder:
            two.append(in_child(two_processes, 0, folder, steps))
    return dict(one=summarise(one), two=summarise(two),
                ratio=summarise([b / a for a, b in zip(one, two, strict=True)]))


def seconds(function: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time one call."""
    start = clock()
    function()
    return clock() - start


def time_steps(steps: dict[str, Callable], turns: int,
               clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each step, turn by turn, after one that is not counted.

    In a fixed order who follows a step of its own size would gain by the memory left to it.
    """
    for step in steps.values():
        step()
    times = {name: [] for name in steps}
    order = random.Random(0)
    for _ in range(turns):
        for name in order.sample(list(steps), len(steps)):
            times[name].append(seconds(steps[name], clock))
    return times


def count_operators(step: Callable) -> dict[str, int]:
    """Operators that a step dispatches, and those of them that wait for a device."""
    from torch.profiler import ProfilerActivity, profile
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    names = [event.name for event in profiler.events()]
    return dict(operators=sum(name.startswith('aten::') for name in names),
                waits=sum(name in WAITS for name in names))


def summarise(values: Sequence[float]) -> dict[str, float]:
    """Median and its 95% interval, by order statistics; of fewer than 6 values their range."""
    number, ranked = len(values), sorted(values)
    tails = accumulate(math.comb(number, below) / 2**number for below in range(number))
    left_out = max(sum(tail <= 0.025 for tail in tails) - 1, 0)
    return dict(median=statistics.median(ranked), low=ranked[left_out], high=ranked[-1 - left_out])


def measure(size_name: str, names: Sequence[str], memory: dict, repeats: int,
            clock: Callable[[], float]) -> dict:
    """All figures of a size, but for memory."""
    from step_models import OPTIONS, RATIOS, SIZES, STEPS
    size = SIZES[size_name]
    steps = {name: (STEPS | OPTIONS)[name](size) for name in names}
    turns = repeats * size.turns
    times = time_steps(steps, turns, clock)
    ratios = {f'{name} / {other}': summarise(
        [a / b for a, b in zip(times[name], times[other], strict=True)])
        for name, other in RATIOS if name in times and other in times}
    figures = dict(
        size=size.name, turns=turns,
        seconds={name: summarise(values) for name, values in times.items()}, ratios=ratios,
        memory_mb=memory, counts={name: count_operators(step) for name, step in steps.items()})
    if 'InfoMin' in times:
        figures['rest'] = time_parts(size, statistics.median(times['InfoMin']),
                                     max(repeats, 5), clock)
    return figures


def time_parts(size: Any, whole: float, repeats: int,
               clock: Callable[[], float]) -> dict[str, dict[str, float]]:
    """What an InfoMin step of ``whole`` seconds does beside the passes."""
    from step_models import parts
    rest = {}
    for name, part in parts(size).items():
        part()
        value = statistics.median(seconds(part, clock) for _ in range(repeats))
        rest[name] = dict(ms=1e3 * value, share=value / whole)
    return rest


def machine() -> str:
    """What the figures depend on."""
    import torch
    info = Path('/proc/cpuinfo')
    cpu = next((line.split(':')[1].strip() for line in info.read_text().splitlines()
                if line.startswith('model name')), '') if info.exists() else ''
    return (f'{cpu or platform.processor()}, {torch.get_num_threads()} threads, '
            f'torch {torch.__version__}, Python {platform.python_version()}, '
            f'{time.strftime("%Y-%m-%d")}')


def spread(row: dict[str, float], digits: int) -> str:
    """Median (interval)."""
    return '{median:.{n}f} ({low:.{n}f}–{high:.{n}f})'.format(**row, n=digits)


def markdown(figures: dict) -> str:
    """The figures as tables."""
    lines = [f'{figures["machine"]}; median (95% interval of it, or the range of fewer than 6 '
             f'turns); {figures["clock"]}']
    for part in figures['sizes']:
        lines += ['', f'| {part["size"]}; {part["turns"]} turns | seconds a step | peak MB | '
                  'operators | waits |', '|---|---|---|---|---|']
        for name, row in part['seconds'].items():
            counts = part['counts'][name]
            lines.append(f'| {name} | {spread(row, 3)} | {part["memory_mb"][name]:.1f} | '
                         f'{counts["operators"]} | {counts["waits"]} |')
        lines += ['', '| against each other, in a turn | ratio |', '|---|---|']
        lines += [f'| {name} | {spread(row, 3)} |' for name, row in part['ratios'].items()]
        if 'rest' in part:
            lines += ['', '| where the rest of an InfoMin step goes | ms | of the step |',
                      '|---|---|---|']
            lines += [f'| {name} | {row["ms"]:.2f} | {row["share"]:.2%} |'
                      for name, row in part['rest'].items()]
    if 'scaling' in figures:
        row = figures['scaling']
        lines += ['', 'InfoMin at the small size, one thread a process: '
                  f'{spread(row["one"], 1)} images a second by one process, '
                  f'{spread(row["two"], 1)} by two, {spread(row["ratio"], 2)} times.']
    return '\n'.join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    args = parse_args(argv)
    sys.path.insert(0, str(Path(__file__).parent))
    from step_models import OPTIONS, STEPS
    names = args.models or [*STEPS, *(OPTIONS if args.options else ())]
    if unknown := set(names) - {*STEPS, *OPTIONS}:
        sys.exit(f'--models: there is no {sorted(unknown)}, there are {[*STEPS, *OPTIONS]}')
    # first what forks: this process has no threads yet
    memory = {size: {name: in_child(peak_memory, name, size) for name in names}
              for size in args.sizes}
    figures = {} if args.no_scaling else dict(scaling=scaling(min(args.repeats, 3)))
    clock = time.process_time if args.cpu_time else time.perf_counter
    figures |= dict(
        clock='CPU seconds, all threads' if args.cpu_time else 'seconds',
        machine=machine(), cores=os.cpu_count(), repeats=args.repeats,
        sizes=[measure(size, names, memory[size], args.repeats, clock) for size in args.sizes])
    print(markdown(figures))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == '__main__':
    main()
