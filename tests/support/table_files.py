"""A project of a table, its configs, and tools that leave a line a run in place of working."""

TABLE = """
gpus = 2
work_dir = 'runs'
measures = dict(
    read_out=dict(kind='read_out', config='out.py'),
    voc=dict(config='detector.py', options=['split=test', 'depth=18']),
    unseen=dict(kind='test', of='voc', options=['split=unseen']))
rows = {
    'random': dict(method='random', pretrained='random'),
    'infomin-long': dict(method='InfoMin', pretrain='infomin.py',
                         options=['train_cfg.max_epochs=9']),
    'cmc': dict(method='CMC', pretrain='infomin.py', measures=['voc', 'unseen'], changes=dict(
        voc=dict(config='two-view.py', options=['depth=9'])))}
"""
CONFIGS = {
    'infomin': 'train_cfg = dict(max_epochs=2)\ntrain_dataloader = dict(batch_size=32)',
    'detector': 'train_cfg = dict(max_iters=30)\ntrain_dataloader = dict(batch_size=3)\n'
                "split = depth = None\nhooks = [dict(name='a')]",
    'two-view': "_base_ = 'detector.py'",
    'out': 'read_out = dict(k=20)',
}
TOOL = """
import os, pathlib, signal, sys
words = sys.argv[1:]
root = pathlib.Path.cwd()
with (root / 'ran').open('a') as file:
    print(pathlib.Path(sys.argv[0]).stem, *words, file=file)
if (root / 'kill').exists() and (root / 'kill').read_text() in ' '.join(words):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def write_project(root):
    """Write it and return the table's path."""
    for name, text in CONFIGS.items():
        (root / f'{name}.py').write_text(text)
    for name in ('train', 'test', 'export_backbone', 'analysis/read_out'):
        path = root / 'tools' / f'{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TOOL)
    (root / 'table.py').write_text(TABLE)
    return root / 'table.py'
