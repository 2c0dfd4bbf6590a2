"""The whole chain on small data: mini set, pre-training, fine-tuning, one table.

Every stage is a command of this project, printed as it is run. A finished stage is not run again:
delete the work dir, or name another, to repeat it.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from infomin_plugin.environment import check_environment

ROOT = Path(__file__).resolve().parent.parent
# the order is that of the table; 'random' has no pre-training
METHODS = {
    'random': None,
    'mocov2': 'configs/demo/mocov2_r18_benchmark.py',
    'infomin': 'configs/demo/infomin_r18_benchmark.py',
}
FORMS = {
    'voc': 'configs/demo/faster-rcnn_r18_fpn_voc-form.py',
    'coco': 'configs/demo/mask-rcnn_r18_fpn_coco-form.py',
}
# name in the report -> name in MMEngine's log
METRICS = {
    'voc': {'AP': 'pascal_voc/mAP', 'AP50': 'pascal_voc/AP50', 'AP75': 'pascal_voc/AP75'},
    'coco': {'bbox_AP': 'coco/bbox_mAP', 'segm_AP': 'coco/segm_mAP'},
}
# epochs of pre-training and of fine-tuning
BUDGETS = {'short': (30, 20), 'long': (80, 30)}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=0, help='of the data and of every run')
    parser.add_argument('--data', type=Path, metavar='DIR',
                        help='your own DIR/cutouts/<class>/*.png (with alpha) and DIR/photographs/ '
                        "instead of scikit-learn's digits and photographs")
    parser.add_argument('--long', action='store_true',
                        help='longer pre-training and fine-tuning, and MoCo v2 as a row')
    parser.add_argument('--work-dir', type=Path,
                        help='default: work_dirs/demo, with -long, -seedN and -DATA if set')
    args = parser.parse_args()
    if args.data and not args.data.is_dir():
        parser.error(f'--data {args.data}: no such folder')
    if not args.work_dir:
        args.work_dir = Path('work_dirs') / '-'.join([
            'demo', *(['long'] if args.long else []), *([f'seed{args.seed}'] if args.seed else []),
            *([args.data.resolve().name] if args.data else [])])
    return args


class Stages:
    """Runs commands once each and remembers how long they took.

    Args:
        work_dir (Path): Where the records are kept.
    """

    def __init__(self, work_dir: Path) -> None:
        self.records = work_dir / 'stages'
        self.records.mkdir(parents=True, exist_ok=True)
        self.seconds: dict[str, float] = {}

    def run(self, name: str, *command: object) -> None:
        """Run a script of this project, unless it is done with the same words.

        Args:
            name (str): Of the stage.
            *command: Script, relative to the project, and its arguments.

        Raises:
            SystemExit: If the script fails.
        """
        from infomin_plugin.checkpoints.files import writing_aside

        words = [str(word) for word in command]
        record = self.records / f'{name}.json'
        done = json.loads(record.read_text()) if record.is_file() else {}
        if done.get('command') == words:
            self.seconds[name] = done['seconds']
            print(f'\n== {name}: done before, in {done["seconds"]:.0f} s', flush=True)
            return
        print(f'\n== {name}: python {shlex.join(words)}', flush=True)
        start = time.monotonic()
        # one core is left to the worker that loads images: threads that wait for it would spin
        threads = dict(OMP_NUM_THREADS=str(max(1, os.cpu_count() - 1)))
        code = subprocess.run([sys.executable, ROOT / words[0], *words[1:]],
                              env=threads | os.environ).returncode
        if code:
            sys.exit(f'== {name} failed with exit code {code}. The same command goes on from here.')
        self.seconds[name] = round(time.monotonic() - start, 1)
        with writing_aside(record) as file:
            file.write(json.dumps(dict(command=words, seconds=self.seconds[name])).encode())


def pretrain(stages: Stages, work: Path, method: str, epochs: int, seed: int) -> None:
    """Pre-train a method on the unlabelled objects and export its trunk."""
    folder = work / f'pretrain-{method}'
    stages.run(
        f'pretrain-{method}', 'tools/train.py', ROOT / METHODS[method], '--work-dir', folder,
        '--cfg-options', f'data_root={work / "data"}', f'randomness.seed={seed}',
        f'train_cfg.max_epochs={epochs}', f'param_scheduler.0.T_max={epochs}',
        f'param_scheduler.0.end={epochs}')
    stages.run(
        f'export-{method}', 'tools/export_backbone.py', folder / f'epoch_{epochs}.pth',
        folder / 'backbone.pth', '--overwrite')


def finetune(stages: Stages, work: Path, form: str, method: str, epochs: int, seed: int) -> dict:
    """Fine-tune a detector from a method's trunk and return its last validation, in percent."""
    from infomin_plugin.engine.results.scalars import read_scalars

    folder = work / f'{form}-{method}'
    start = 'random' if method == 'random' else work / f'pretrain-{method}' / 'backbone.pth'
    stages.run(
        f'{form}-{method}', 'tools/train.py', ROOT / FORMS[form], '--work-dir', folder,
        '--pretrained', start, '--cfg-options', f'data_root={work / "data"}',
        f'randomness.seed={seed}', f'train_cfg.max_epochs={epochs}',
        f'train_cfg.val_interval={epochs}', f'param_scheduler.1.T_max={epochs}')
    log = max(folder.glob('*/vis_data/scalars.json'))  # named by its time
    names = METRICS[form]
    last = next(line for line in reversed(read_scalars(log)) if names[min(names)] in line)
    return {short: round(100 * last[name], 2) for short, name in names.items()}


def draw_pictures(stages: Stages, work: Path, method: str, epochs: int, seed: int) -> None:
    """Views of an image, detections on test images, and the kNN curves."""
    from PIL import Image

    from infomin_plugin.visualization.curves import draw_knn_curves
    from infomin_plugin.visualization.detections import contact_sheet

    images = sorted((work / 'data' / 'objects').glob('*.jpg'))[:4]
    stages.run('views', 'tools/visualize_views.py', ROOT / METHODS[method], *images,
               '--seed', seed, '--out', work / 'views.png')
    shown = work / 'detections'
    stages.run('detections', 'tools/test.py', ROOT / FORMS['coco'],
               work / f'coco-{method}' / f'epoch_{epochs}.pth', '--work-dir', work / 'test',
               '--show-dir', shown.resolve(), '--cfg-options', f'data_root={work / "data"}')
    Image.fromarray(contact_sheet(sorted(shown.rglob('*.*'))[:12])).save(work / 'detections.png')
    curves = {path.parent.name.removeprefix('pretrain-'): json.loads(path.read_text())
              for path in work.glob('pretrain-*/knn.json')}
    draw_knn_curves(curves, work / 'knn.png')


def write_report(work: Path, report: dict) -> None:
    """Write ``report.json`` and ``report.md`` and print the table."""
    from rich.console import Console
    from rich.table import Table

    (work / 'report.json').write_text(json.dumps(report, indent=1))
    header = ['initialisation', 'kNN', 'VOC AP', 'AP50', 'AP75', 'COCO box AP', 'mask AP']
    rows = []
    for method in report['methods']:
        scores = report[method]
        values = [scores['knn'], *scores['voc'].values(), *scores['coco'].values()]
        rows.append([method, *(f'{value:.1f}' for value in values)])
    table = Table(*header, title=report['title'])
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    minutes = sum(report['seconds'].values()) / 60
    lines = [
        f'# {report["title"]}', '',
        f'Measured here by `{report["command"]}` in {minutes:.1f} minutes, seed {report["seed"]}. '
        'All figures in percent; equal budgets in a column. kNN: 20 neighbours, held-out images.',
        '', '| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header),
        *('| ' + ' | '.join(row) + ' |' for row in rows), '',
        '![kNN curve](knn.png)', '![views](views.png)', '![detections](detections.png)', '']
    (work / 'report.md').write_text('\n'.join(lines))
    print(f'{work / "report.md"}, report.json, knn.png, views.png, detections.png; '
          f'{minutes:.1f} minutes')


def main() -> None:
    args = parse_args()
    check_environment()
    work = args.work_dir
    work.mkdir(parents=True, exist_ok=True)
    epochs, detector_epochs = BUDGETS['long' if args.long else 'short']
    methods = [method for method in METHODS if args.long or method != 'mocov2']
    stages = Stages(work)

    own = ['--data', args.data] if args.data else []
    stages.run('data', 'tools/data/make_mini.py', work / 'data', '--seed', args.seed,
               '--overwrite', *own)
    for method in methods[1:]:
        pretrain(stages, work, method, epochs, args.seed)
    report = dict(
        title='Transfer on ' + (f'the set of {args.data}' if args.data else 'the mini set'),
        command=shlex.join(['python', *sys.argv]), seed=args.seed, methods=methods,
        epochs=dict(pretraining=epochs, finetuning=detector_epochs), unit='percent')
    for method in methods:
        curve = json.loads(
            (work / f'pretrain-{"infomin" if method == "random" else method}' / 'knn.json')
            .read_text())
        report[method] = dict(knn=round(curve[0 if method == 'random' else -1]['test'], 2))
        for form in FORMS:
            report[method][form] = finetune(
                stages, work, form, method, detector_epochs, args.seed)
    draw_pictures(stages, work, 'infomin', detector_epochs, args.seed)
    write_report(work, report | dict(seconds=stages.seconds))


if __name__ == '__main__':
    main()
