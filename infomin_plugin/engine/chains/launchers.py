"""How trainings and tests are started: in one process, on a node's GPUs, or under Slurm."""

from collections.abc import Sequence
from dataclasses import dataclass

NONE, PYTORCH, SLURM = KINDS = ('none', 'pytorch', 'slurm')


@dataclass(frozen=True)
class Launcher:
    """Makes command lines, relative to the root of the project.

    Attributes:
        kind: ``'none'``, one process; ``'pytorch'``, a process a GPU through
            ``tools/dist_{train,test}.sh``; ``'slurm'``, the same through
            ``tools/slurm_{train,test}.sh``, which wait for the end of the job.
        gpus: Of a training or a test. 0 asks for none: one process on what is there.
        partition: Slurm's; only for it.

    Raises:
        ValueError: If these contradict each other.
    """

    kind: str
    gpus: int
    partition: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'launcher must be one of {", ".join(KINDS)}, got {self.kind!r}')
        if self.gpus < 0:
            raise ValueError(f'gpus must not be negative, got {self.gpus}')
        if self.kind == NONE and self.gpus > 1:
            raise ValueError(f"launcher 'none' is one process, but gpus is {self.gpus}: take "
                             "'pytorch' or 'slurm'")
        if self.kind != NONE and self.gpus < 1:
            raise ValueError(f'launcher {self.kind!r} starts a process a GPU, but gpus is 0: ask '
                             "for 1 or more, or take launcher 'none'")
        if (self.kind == SLURM) != (self.partition is not None):
            raise ValueError("a partition is for launcher 'slurm', which needs one: launcher is "
                             f'{self.kind!r}, partition {self.partition!r}')

    @property
    def processes(self) -> int:
        """Number of processes that share a batch."""
        return max(self.gpus, 1)

    def train(self, job: str, config: str, words: Sequence[str]) -> list[str]:
        """Return the command of a training; ``job`` is its name under Slurm."""
        return self._script('train', job, [config], words)

    def test(self, job: str, config: str, checkpoint: str, words: Sequence[str]) -> list[str]:
        """Return the command of a test of a checkpoint."""
        return self._script('test', job, [config, checkpoint], words)

    def measure(self, job: str, words: Sequence[str]) -> list[str]:
        """Return the command of a tool that works in one process, on one GPU if there are any."""
        if self.kind != SLURM:
            return ['python', *words]
        return ['srun', '--partition', self.partition, '--job-name', job, '--gres', 'gpu:1',
                '--cpus-per-task', '12', 'python', '-u', *words]

    def _script(self, tool: str, job: str, files: Sequence[str],
                words: Sequence[str]) -> list[str]:
        if self.kind == PYTORCH:
            return [f'tools/dist_{tool}.sh', *files, str(self.gpus), *words]
        if self.kind == SLURM:
            return ['env', f'GPUS={self.gpus}', f'tools/slurm_{tool}.sh', self.partition, job,
                    *files, *words]
        return ['python', f'tools/{tool}.py', *files, *words]
