"""The kNN hook's base for ImageNet, beside a pre-training's, as docs/read_out.md writes it."""

import json
import re
from pathlib import Path

from config_runs import train_config
from mmengine.config import Config
from read_outs import write_colored_classes
from tiny_configs import write_tiny

ROOT = Path(__file__).parents[2]
IN_PROCESS = [f'custom_hooks.0.{loader}.num_workers=0' for loader in ('bank', 'queries.val')]


def documented(folder):
    """The config of the documentation, its bases where they lie."""
    block, = (text for text in re.findall(r'```python\n(.*?)```',
                                          (ROOT / 'docs' / 'read_out.md').read_text(), re.S)
              if 'knn_in1k' in text)
    path = folder / 'with_knn.py'
    path.write_text(block.replace("'../../", f"'{ROOT}/configs/"))
    return path


def test_the_documented_config_trains_with_a_curve(tmp_path):
    root = write_colored_classes(tmp_path / 'elsewhere', train=4, val=2)
    config = write_tiny(documented(tmp_path), tmp_path / 'tiny')
    runner = train_config(config, tmp_path / 'work', [f'data_root={root}', *IN_PROCESS])
    curve = json.loads((tmp_path / 'work' / 'knn.json').read_text())
    assert [point['epoch'] for point in curve] == [0, 1]
    assert all(0 <= point['val'] <= 100 for point in curve)
    hook, = (hook for hook in runner.hooks if type(hook).__name__ == 'KNNHook')
    assert len(hook.bank_loader.dataset) == 6  # a tenth of four, one at least, of six classes
    assert len(hook.query_loaders['val'].dataset) == 12


def test_images_are_seen_as_the_read_outs_see_them(tmp_path):
    hook, = Config.fromfile(documented(tmp_path)).custom_hooks
    read_out = Config.fromfile(ROOT / 'configs/linear/knn_resnet50_in1k.py').read_out
    for ours, theirs in ((hook.bank, read_out.bank), (hook.queries.val, read_out.queries.val)):
        assert ours.dataset.pipeline == theirs.dataset.pipeline
        assert ours.dataset.data_root == theirs.dataset.data_root
