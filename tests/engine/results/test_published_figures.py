"""Every published figure against a table of its own; what the docs call published is in it."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from infomin_plugin.engine.results.published import read_published

ROOT = Path(__file__).parents[3]

# Written down from the authors' figures apart from the metafiles.
READ_OUT = """
InstDis, 200 epochs                        | ResNet-50         | 59.5
CMC, 200 epochs                            | ResNet-50         | 58.6
MoCo, 200 epochs                           | ResNet-50         | 60.8
PIRL, 200 epochs                           | ResNet-50         | 61.7
MoCo v2, 200 epochs                        | ResNet-50         | 67.5
InfoMin, 100 epochs                        | ResNet-50         | 67.4
InfoMin, 200 epochs                        | ResNet-50         | 70.1
InfoMin, 800 epochs                        | ResNet-50         | 73.0
InfoMin, 300 epochs                        | ResNet-101        | 73.4
InfoMin, 200 epochs                        | ResNet-152        | 73.4
InfoMin, 200 epochs                        | ResNeXt-101 32x8d | 74.5
InfoMin, 200 epochs                        | ResNeXt-152 32x8d | 75.2
InfoMin - MLP head, 100 epochs             | ResNet-50         | 65.9
InfoMin - jigsaw - MLP head, 100 epochs    | ResNet-50         | 63.6
"""
COCO = """
random              | ResNet-50-FPN | 1x | 32.8 29.9
supervised          | ResNet-50-FPN | 1x | 39.7 35.9
InstDis, 200 epochs | ResNet-50-FPN | 1x | 38.8 35.2
PIRL, 200 epochs    | ResNet-50-FPN | 1x | 38.6 35.1
MoCo, 200 epochs    | ResNet-50-FPN | 1x | 39.4 35.6
InfoMin, 200 epochs | ResNet-50-FPN | 1x | 40.6 36.7
random              | ResNet-50-FPN | 2x | 38.4 34.7
supervised          | ResNet-50-FPN | 2x | 41.6 37.6
InstDis, 200 epochs | ResNet-50-FPN | 2x | 41.3 37.3
PIRL, 200 epochs    | ResNet-50-FPN | 2x | 41.2 37.4
MoCo, 200 epochs    | ResNet-50-FPN | 2x | 41.7 37.5
MoCo v2, 200 epochs | ResNet-50-FPN | 2x | 41.7 37.6
InfoMin, 200 epochs | ResNet-50-FPN | 2x | 42.5 38.4
random              | ResNet-50-FPN | 6x | 42.7 38.6
supervised          | ResNet-50-FPN | 6x | 42.6 38.5
InfoMin, 200 epochs | ResNet-50-FPN | 6x | 43.6 39.2
supervised          | ResNet-50-C4  | 1x | 38.2 33.3
MoCo, 200 epochs    | ResNet-50-C4  | 1x | 38.5 33.6
InfoMin, 200 epochs | ResNet-50-C4  | 1x | 39.0 34.1
supervised          | ResNet-50-C4  | 2x | 40.0 34.7
MoCo, 200 epochs    | ResNet-50-C4  | 2x | 40.7 35.6
InfoMin, 200 epochs | ResNet-50-C4  | 2x | 41.3 36.0
"""
VOC = """
random              | 33.8 60.2 33.1
supervised          | 53.5 81.3 58.8
MoCo, 200 epochs    | 55.9 81.5 62.6
MoCo v2, 200 epochs | 57.0 82.4 63.6
InfoMin, 200 epochs | 57.6 82.7 64.6
InfoMin, 800 epochs | 57.5 82.5 64.0
"""


def rows(table):
    for line in table.strip().splitlines():
        *key, figures = (cell.strip() for cell in line.split('|'))
        yield *key, tuple(map(float, figures.split()))


def expected():
    """Figures of a table's row by task, label, encoder and schedule."""
    for label, encoder, figures in rows(READ_OUT):
        yield ('linear', label, encoder, '60 epochs'), (
            dict(zip(('Top 1 Accuracy', ), figures, strict=True)), 'published')
    for label, encoder, schedule, figures in rows(COCO):
        yield ('COCO', label, encoder, schedule), (
            dict(zip(('box AP', 'mask AP'), figures, strict=True)), 'published')
    for label, figures in rows(VOC):
        yield ('VOC', label, 'ResNet-50-C4', '24k'), (
            dict(zip(('AP', 'AP50', 'AP75'), figures, strict=True)), 'recalled')


def test_every_figure():
    found = read_published(ROOT)
    assert {(entry.task, entry.label, entry.encoder, entry.schedule): (entry.scores, entry.source)
            for entry in found} == dict(expected())
    assert len(found) == len(list(expected())) == 42


# --- what is called published elsewhere


@pytest.fixture(scope='module')
def figures():
    """By config that measured them or, of a read-out, pre-trained; by method and its epochs."""
    found = {}
    for file in ROOT.glob('configs/**/metafile.yml'):
        for model in yaml.safe_load(file.read_text())['Models']:
            row = model['In Collection'], model['Metadata'].get('Epochs')
            for measured in [model, *model.get('Downstream', ())]:
                results = measured['Results'] or ()
                if any(result['Source'] != 'published' for result in results):
                    continue
                values = tuple(value for result in results for value in result['Metrics'].values())
                if values:
                    found.setdefault(measured['Config'], {})[row] = values
                if len(values) == 1:  # a read-out
                    found.setdefault(model['Config'], {})[row] = values
    return found


def markdown_rows(path, start):
    """Cells of the table of which the header starts so."""
    _, _, below = (ROOT / path).read_text().partition(f'\n| {start}')
    lines = below.partition('\n\n')[0].splitlines()[2:]
    assert lines
    return [[cell.strip() for cell in line.replace('**', '').split('|')[1:-1]] for line in lines]


def listed(text):
    """Read-outs of a list such as `InstDis 59.5, CMC 58.6; InfoMin 67.4 (100 epochs), 70.1 (200)`.

    Those without a number of epochs are of 200.
    """
    found, method = {}, None
    for name, figure, epochs in re.findall(
            r'(?:(\w+(?: v2)?):? )?(\d\d\.\d)(?: \((\d+)[^)]*\))?', text):
        method = name or method
        found[method, int(epochs or 200)] = (float(figure), )
    return found


def pair(cell):
    """Box and mask AP of a cell; None where it says that there are none."""
    if re.fullmatch(r'\d\d\.\d / \d\d\.\d', cell):
        return tuple(map(float, cell.split(' / ')))
    assert cell in ('–', 'no such weights')
    return None


def test_main_readme(figures):
    linear = figures['configs/linear/linear_resnet50_8xb32-steplr-60e_in1k.py']
    fpn = [figures[f'configs/detection/mask-rcnn_r50_fpn_8xb2-{schedule}_coco.py']
           for schedule in ('1x', '2x')]
    table = markdown_rows('README.md', 'ResNet-50, 200 epochs unless said |')
    assert len(table) == 5
    for name, read_out, *transfer in table:
        row = (name, None if name in ('random', 'supervised') else 200)
        for of_schedule, cell in zip(fpn, transfer, strict=True):
            assert pair(cell) == of_schedule.get(row), (row, cell)
        quoted = {(name, int(epochs or 200)): (float(figure), ) for epochs, figure in re.findall(
            r'(?:(\d+)(?: epochs)?: )?(\d\d\.\d)', read_out)}
        assert quoted == {key: value for key, value in linear.items() if key[0] == name}, name


def test_detection_readme(figures):
    table = markdown_rows('configs/detection/README.md', 'config | detector |')
    seen = set()
    for names, _, _, *cells in table:
        schedules = ('1x', '2x') if '{1x,2x}' in names else ('', )
        for schedule in schedules:
            config = f'configs/detection/{names.strip("`").replace("{1x,2x}", schedule)}'
            assert (ROOT / config).is_file(), config
            seen.add(config)
            for row, cell in zip((('random', None), ('supervised', None), ('InfoMin', 200)), cells,
                                 strict=True):
                assert pair(cell) == figures.get(config, {}).get(row), (config, row)
    assert {config for config in figures if config.startswith('configs/detection/')} <= seen


def test_linear_readme(figures):
    seen = set()
    for names, _, cell in markdown_rows('configs/linear/README.md', 'config | trunk |'):
        config = f'configs/linear/{re.match("`(.+?)`", names)[1]}'
        seen.add(config)
        # the ablation's rows are not in it
        assert listed(cell) == {row: value for row, value in figures.get(config, {}).items()
                                if ' - ' not in row[0]}, config
    assert {config for config in figures if config.startswith('configs/linear/')} <= seen


def test_docstrings_of_configs(figures):
    seen = set()
    for path in ROOT.glob('configs/**/*.py'):
        text = ast.get_docstring(ast.parse(path.read_text())) or ''
        said = re.search(r'(Published ImageNet|The authors:).*?\d\d\.\d.*', text, re.DOTALL)
        if not said:
            continue
        config = str(path.relative_to(ROOT))
        seen.add(config)
        if config.startswith('configs/pretrain/'):
            (figure, ) = re.findall(r': (\d\d\.\d) top-1', text)
            assert [(float(figure), )] == list(figures[config].values()), config
        else:
            quoted = listed(said[0])
            assert quoted and quoted.items() <= figures[config].items(), config
    assert seen == {config for config in figures
                    if config.startswith(('configs/pretrain/', 'configs/linear/'))}
