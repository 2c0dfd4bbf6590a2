"""Checks that save hours: what would go wrong later is found before the first step."""

from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from infomin_plugin.registry import HOOKS


@HOOKS.register_module()
class PreflightHook(Hook):
    """Refuse a run that cannot end well.

    Before training: a queue that is smaller than the batch of all processes, and data that leaves
    a process without a batch or with fewer images than the others. At a resume: a checkpoint whose
    tensors do not fit the model, such as another queue length; MMEngine would keep the random
    values and go on.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare tensors when the run is a resumed one.

        Raises:
            ValueError: If a tensor is absent or has another shape.
        """
        if not runner.cfg.get('resume'):
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        saved = checkpoint['state_dict']
        problems = []
        for name, tensor in model.state_dict().items():
            if name not in saved:
                problems.append(f'{name} is absent')
            elif saved[name].shape != tensor.shape:
                problems.append(f'{name} is {tuple(saved[name].shape)} in the checkpoint, '
                                f'{tuple(tensor.shape)} in the config')
        if problems:
            raise ValueError(
                'cannot resume: the checkpoint is of another model: ' + '; '.join(problems[:5])
                + (f'; and {len(problems) - 5} more' if len(problems) > 5 else '')
                + '. Resume with the settings it was trained with, or start anew.')

    def before_train(self, runner: Runner) -> None:
        """Check batch sizes against the queue and against the other processes'.

        Raises:
            ValueError: On every process, if one of them would get an empty or smaller batch, or
                the queue is smaller than the batch.
        """
        loader = runner.train_dataloader
        # a loader with a batch sampler of its own has no batch size
        batch_size = loader.batch_size or loader.batch_sampler.batch_size
        counts = all_gather_object((len(loader.sampler), len(loader), batch_size))
        if min(batches for _, batches, _ in counts) == 0:
            raise ValueError(
                f'no full batch: the data set has {len(loader.dataset)} images for '
                f'{get_world_size()} processes of batch {batch_size}: use a smaller '
                'train_dataloader.batch_size, fewer processes or more images')
        if len(set(counts)) > 1:
            raise ValueError(
                'the processes get different numbers of images, which leaves one without a batch '
                f'at the end: (images, batches, batch size) a process = {counts}; use a sampler '
                'with round_up=True')
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        queue = getattr(model, 'queue', None)
        batch = batch_size * get_world_size()
        if queue is not None and queue.length < batch:
            raise ValueError(
                f'queue of length {queue.length} is smaller than the batch of {batch} keys '
                f'({get_world_size()} processes of {batch_size}): set model.queue.length '
                'to at least the batch')
