"""Two gloo processes that run a function of the test file which starts them.

The file ends with ``if __name__ == '__main__': work(run)``; a test of it calls
``results_of(__file__, folder)``.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed

PROCESSES = 2


def results_of(file: str, folder: Path, timeout: int = 180) -> list:
    """Run a test file in each process and return what the processes saved, rank 0 first."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get('PYTHONPATH', '')])
    workers = [
        subprocess.Popen([sys.executable, file, str(folder), str(rank)],
                         env=os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': path})
        for rank in range(PROCESSES)]
    assert [worker.wait(timeout) for worker in workers] == [0] * PROCESSES
    return [torch.load(folder / f'{rank}.pt', weights_only=True) for rank in range(PROCESSES)]


def work(run: Callable[[int], object]) -> None:
    """Join the other process and save what ``run(rank)`` returns."""
    folder, rank = Path(sys.argv[1]), int(sys.argv[2])
    distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank,
                                   world_size=PROCESSES)
    torch.save(run(rank), folder / f'{rank}.pt')
    distributed.barrier()
