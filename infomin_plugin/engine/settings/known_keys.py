"""The top-level keys of a config that somebody reads, whether or not a config file has them."""

import inspect

from mmengine.runner import FlexibleRunner, Runner

_RUNNER = {name for runner in (Runner, FlexibleRunner)
           for name in inspect.signature(runner.__init__).parameters} - {'self', 'cfg'}
# MMEngine's runners read these from the config itself
_BESIDE = {'activation_checkpointing', 'compile', 'custom_imports', 'efficient_conv_bn_eval',
           'find_unused_parameters', 'init_weights_for_test_or_val', 'model_wrapper_cfg',
           'runner_type', 'sync_bn', 'tta_model', 'tta_pipeline'}
# what InfoMinRunner, its hooks and the tools understand
_OURS = {'allow_changed_data', 'channels_last', 'classes', 'contrast', 'data_form', 'data_root',
         'method', 'mutual_information', 'photometry', 'pretrained', 'pretrained_from',
         'published', 'read_out', 'regime', 'run_hooks', 'sweep', 'test_split', 'train_split',
         'warm_up'}

KNOWN_KEYS = frozenset(_RUNNER | _BESIDE | _OURS)
