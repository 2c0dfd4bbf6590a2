"""Tables of what finished runs measured: read-outs, VOC, COCO, by method, mean ± deviation.

Reads every MMEngine work dir below WORK_DIR, whatever its name: the dumped config says what was
run and where its weights came from, the logs what came out (the last validation of a finished
training, tests of tools/test.py), knn.json and the *_scores.json of read_out.py the read-outs.
Nothing of these folders is executed. Published results, from the metafiles, stand beside. What
--keep wrote, on this machine or another, can be given among the folders.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR',
                        help='folders to look in, or .json files of --keep')
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    parser.add_argument('--into', type=Path, metavar='FILE.md',
                        help='Markdown file to write into, between the lines <!-- '
                        'transfer_table:begin NAME --> and <!-- transfer_table:end NAME -->')
    parser.add_argument('--name', help="NAME of these lines (default: the file's, without .md)")
    parser.add_argument('--curves', type=Path, metavar='FILE.png',
                        help='picture to draw of the kNN curves of pre-training, mean over seeds')
    parser.add_argument('--json', type=Path, help='the same as JSON, with the value of each run')
    parser.add_argument('--keep', type=Path, metavar='FILE.json',
                        help='file to keep all results in, for tables to come')
    parser.add_argument('--layout', choices=['task', 'wide'], default='task',
                        help='a table for each task, schedule and encoder, beside published '
                        'results; or one for each data set and split, tasks side by side '
                        '(default: %(default)s)')
    args = parser.parse_args(argv)
    if not (args.out or args.into or args.json or args.curves or args.keep):
        parser.error('say where to write: --out, --into, --json, --curves or --keep')
    if args.keep and args.keep.suffix != '.json':
        parser.error(f'--keep writes a .json file, got {args.keep}')
    if args.name and args.into is None:
        parser.error('--name goes with --into')
    return args


def command_of(args: argparse.Namespace) -> str:
    """The command in words that are the same on every machine."""
    folders = ' '.join(place.resolve().name for place in args.work_dirs)
    layout = ' --layout wide' if args.layout == 'wide' else ''
    return f'tools/analysis/transfer_table.py {folders}{layout}'


def main(argv: Sequence[str] | None = None) -> None:
    """Read, tabulate and write."""
    args = parse_args(argv)

    from infomin_plugin.checkpoints.files import writing_aside
    from infomin_plugin.engine.results.curves import mean_curves
    from infomin_plugin.engine.results.kept import Results
    from infomin_plugin.engine.results.markdown import as_dict, put_between, render
    from infomin_plugin.engine.results.published import read_published
    from infomin_plugin.engine.results.tables import by_task, side_by_side
    from infomin_plugin.visualization.curves import draw_knn_curves

    def write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing_aside(path) as file:
            file.write(text.encode())

    try:
        results = Results.read(args.work_dirs)
        tables, repeated = by_task(
            results.measurements, read_published(ROOT) if args.layout == 'task' else ())
        left_out = results.left_out + repeated
        if not tables:
            reasons = ''.join(f'\n{where}: {reason}' for where, reason in left_out)
            sys.exit(f'error: nothing finished was found in {", ".join(map(str, args.work_dirs))}'
                     f'{reasons}')
        tables = side_by_side(tables) if args.layout == 'wide' else [table for _, table in tables]
        text = render(tables, left_out, command_of(args))
        if args.into:
            try:
                document = args.into.read_text()
                document = put_between(document, args.name or args.into.stem, text)
            except ValueError as error:
                sys.exit(f'error: {args.into}: {error}')
            write(args.into, document)
        if args.out:
            write(args.out, f'# Transfer\n\n{text}')
        if args.curves:
            if not results.curves:
                sys.exit('error: --curves: no finished pre-training with a kNN curve was found')
            args.curves.parent.mkdir(parents=True, exist_ok=True)
            draw_knn_curves(mean_curves(results.curves), args.curves)
        if args.keep:
            results.keep(args.keep)
        if args.json:
            write(args.json, json.dumps(
                dict(tables=list(map(as_dict, tables)), left_out=left_out), indent=1))
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(text)


if __name__ == '__main__':
    main()
