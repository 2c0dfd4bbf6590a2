"""A runner that says what to do about what goes wrong around it."""

import os

from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from ..faults.fault_messages import TrainingFault, explained
from ..faults.storage import check_work_dir, disk_state


class FaultRunner(Runner):
    """MMEngine's runner with errors that can be acted upon; ``docs/faults.md`` lists them."""

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'FaultRunner':
        """Build the runner, if its work dir can be written to.

        Args:
            cfg (Config): With ``work_dir``.

        Raises:
            ValueError: See :func:`check_work_dir`.
        """
        check_work_dir(cfg['work_dir'])
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Set up the environment; a collective of NCCL that hangs ends by its time-out.

        torchrun asks NCCL for that, Slurm and MPI do not.

        Args:
            env_cfg (dict): See MMEngine's ``Runner``.
        """
        os.environ.setdefault('NCCL_ASYNC_ERROR_HANDLING', '1')
        super().setup_env(env_cfg)

    def train(self) -> nn.Module:
        """Train; errors whose cause lies outside of this program say what to do.

        Raises:
            TrainingFault: See :func:`explained`.
        """
        with explained(self.work_dir):
            return super().train()

    def save_checkpoint(self, out_dir: str, filename: str, *args, **kwargs) -> None:
        """Write a checkpoint.

        Args:
            out_dir (str): Folder.
            filename (str): In it.
            *args: See MMEngine's ``Runner``.
            **kwargs: See MMEngine's ``Runner``.

        Raises:
            TrainingFault: If the file cannot be written; names it and the room on its disk.
        """
        try:
            super().save_checkpoint(out_dir, filename, *args, **kwargs)
        except OSError as error:
            raise TrainingFault(f'checkpoint {os.path.join(out_dir, filename)} could not be '
                                f'written: {error}; {disk_state(out_dir)}. Make room, or set '
                                'another work_dir or default_hooks.checkpoint.max_keep_ckpts'
                                ) from error
