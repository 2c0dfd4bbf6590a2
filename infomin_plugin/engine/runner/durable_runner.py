"""A runner whose trainings survive: checkpoints, where to resume from, pre-emption."""

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmengine.runner import CheckpointLoader, Runner
from torch import nn
from torch.utils.data import DataLoader

from infomin_plugin.checkpoints.training_state import load_training_state

from ..hooks.preemption import PreemptionHook
from ..resume.aside_backend import backend_args_for
from ..resume.resume_source import find_resume_source
from .workers import shield, shielded_forks

SCHEME = 'inert:'


@CheckpointLoader.register_scheme(prefixes=SCHEME, force=True)
def load_from_inert(filename: str, map_location: Any = None) -> dict:
    """Load ``inert:PATH``, a local file, onto the CPU, without running code of it."""
    return load_training_state(filename.removeprefix(SCHEME))


class DurableRunner(Runner):
    """MMEngine's runner with checkpoints that are always whole, and read without running code.

    It writes them aside, resumes from the newest that is whole, and ends well when its machine is
    taken away.
    """

    _has_sought = False

    @staticmethod
    def build_dataloader(dataloader: DataLoader | dict, seed: int | None = None,
                         diff_rank_seed: bool = False) -> DataLoader:
        """Build a loader whose workers outlive a signal to all, see :func:`shield`."""
        return shield(Runner.build_dataloader(dataloader, seed, diff_rank_seed))

    def train(self) -> nn.Module:
        """Train, and listen to what :class:`PreemptionHook` listens to.

        Where that is SIGTERM, processes that are forked meanwhile obey their parent's only.

        Raises:
            SystemExit: If the training was pre-empted; its state is saved then.
        """
        with ExitStack() as stack:
            for hook in self.hooks:
                if isinstance(hook, PreemptionHook):
                    stack.enter_context(hook.listening())
                    if signal.SIGTERM in hook.signals:
                        stack.enter_context(shielded_forks())
            return super().train()

    def save_checkpoint(self, out_dir: str, filename: str, file_client_args: dict | None = None,
                        *args: Any, backend_args: dict | None = None, **kwargs: Any) -> None:
        """Write a checkpoint, all or nothing where the folder is local.

        Args:
            out_dir (str): Folder.
            filename (str): In it.
            file_client_args (dict, optional): See MMEngine's ``Runner``, as for the rest.
            *args: See there.
            backend_args (dict, optional): See there.
            **kwargs: See there.

        Raises:
            OSError: If it cannot be written. A file of the name is then untouched.
        """
        if file_client_args is None and backend_args is None:
            backend_args = backend_args_for(out_dir)
        super().save_checkpoint(out_dir, filename, file_client_args, *args,
                                backend_args=backend_args, **kwargs)

    def load_checkpoint(self, filename: str, *args: Any, **kwargs: Any) -> dict:
        """Load a checkpoint, see :func:`load_training_state` where it is a local file.

        Args:
            filename (str): Of the checkpoint, or a URL or name that MMEngine resolves.
            *args: See MMEngine's ``Runner``.
            **kwargs: See MMEngine's ``Runner``.

        Raises:
            CheckpointError: If the file is no whole checkpoint, or asks for foreign objects.
            ValueError: See :class:`ResumeGuardHook`.
        """
        path = Path(filename).expanduser()
        return super().load_checkpoint(f'{SCHEME}{path}' if path.is_file() else filename,
                                       *args, **kwargs)

    def load_or_resume(self) -> None:
        """Load what the config says; to resume from no named file, :func:`find_resume_source`.

        Raises:
            CheckpointError: See there and :meth:`load_checkpoint`.
        """
        if not self.cfg.get('resume') or self.cfg.get('load_from') is not None:
            super().load_or_resume()
        elif not self._has_sought:
            self._has_sought = True
            source = find_resume_source(self.work_dir, self.logger)
            if source is not None:
                self.resume(source)
