"""MMEngine's checkpoints, of which the last good one is always there."""

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from infomin_plugin.registry import HOOKS

from ..resume.aside_backend import backend_args_for
from ..resume.checkpoint_folder import CheckpointFolder

KEPT = 'keep_ckpt_ids'  # MMEngine's names in the message hub
BEST = 'best_ckpt'


@HOOKS.register_module()
class DurableCheckpointHook(CheckpointHook):
    """Keeps old checkpoints until newer ones are complete, and removes nothing but its own files.

    The runner takes it wherever a config says ``CheckpointHook``. What a resumed checkpoint says
    of files to remove counts only for the names of this hook in this run's folder; see
    :class:`CheckpointFolder`. In a folder that is not local it is MMEngine's hook.

    Args:
        *args: See MMEngine's ``CheckpointHook``.
        **kwargs: See there.
    """

    folder: CheckpointFolder | None = None
    _seen: tuple | list = ()  # what was written when files were last cleared

    def before_train(self, runner: Runner) -> None:
        """Find the folder, and what of the resumed checkpoint's list is there."""
        excess = self._take_kept(runner)
        super().before_train(runner)
        if self.file_client_args or self.backend_args or not backend_args_for(self.out_dir):
            return
        self.folder = CheckpointFolder(self.out_dir, self.filename_tmpl, runner.logger)
        self.file_backend = self.folder
        self._take_best(runner)
        self._seen = self._written()
        if is_main_process():
            self.folder.clear_parts()
            for step in excess:
                self.folder.remove(self._path(self.filename_tmpl.format(step)))

    def after_train_epoch(self, runner: Runner) -> None:
        """Save if it is time, then clear."""
        super().after_train_epoch(runner)
        self._clear()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Save if it is time, then clear."""
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        self._clear()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Save the best one if this is it, then clear."""
        super().after_val_epoch(runner, metrics)
        self._clear()

    def _clear(self) -> None:
        """Remove what is outdated, if anything was written since the last time."""
        if self.folder is None or not is_main_process():
            return
        written = self._written()
        if written == self._seen:
            return
        self._seen = written
        self.folder.clear(keep=written)
        if self.last_ckpt:
            self.folder.clear_preempted()

    def _written(self) -> list[str | None]:
        """Paths of the newest checkpoint and the best ones."""
        return [self.last_ckpt, getattr(self, 'best_ckpt_path', None),
                *getattr(self, 'best_ckpt_path_dict', {}).values()]

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _take_kept(self, runner: Runner) -> list[int]:
        """Leave step numbers alone in the message hub, no more than are kept; return the rest."""
        if self.max_keep_ckpts <= 0 or KEPT not in runner.message_hub.runtime_info:
            return []
        kept = runner.message_hub.get_info(KEPT)
        steps = [step for step in kept if type(step) is int and step >= 0] if isinstance(
            kept, list) else []
        runner.message_hub.update_info(KEPT, steps[-self.max_keep_ckpts:])
        return steps[:-self.max_keep_ckpts]

    def _take_best(self, runner: Runner) -> None:
        """Take best checkpoints under this run's folder, whichever folder the list says."""
        if not self.save_best:
            return
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = self._own_best(runner, self.best_ckpt_path, BEST)
        else:
            for key, path in self.best_ckpt_path_dict.items():
                self.best_ckpt_path_dict[key] = self._own_best(runner, path, f'{BEST}_{key}')

    def _own_best(self, runner: Runner, path: object, key: str) -> str | None:
        if path is None:
            return None
        name = path.rsplit('/', 1)[-1] if isinstance(path, str) else ''
        if not self.folder.is_best(name):
            runner.logger.warning('the resumed checkpoint names a best one that is not of this '
                                  'run; it is left alone')
            runner.message_hub.update_info(key, None)
            return None
        own = self._path(name)
        runner.message_hub.update_info(key, own)
        return own
