"""The figures of the benchmark, as tables and sentences."""

from peers import JIGSAW
from rich import box
from rich.console import Console
from rich.table import Table

# Share of the clock's time on the processor below or above which the figures are in doubt.
_BUSY, _THREADS = 0.95, 1.05


def _range(row: dict, digits: int) -> str:
    return f'{row["min"]:.{digits}f}–{row["max"]:.{digits}f}'


def show_rows(figures: dict) -> Table:
    """Lay out a line for everything that was timed."""
    ratios = {ratio['peer']: ratio for ratio in figures['ratios']}
    workers = list(map(str, sorted(figures['arguments']['workers'])))
    table = Table(title='From file to sample', box=box.SIMPLE)
    loaders = 'images_a_second' in next(iter(figures['rows'].values()))
    for i, title in enumerate([
            '', 'ms an image', 'range', 'of it decoding', 'times ours (range)',
            *(f'images/s, workers: {number}' for number in workers if loaders),
            *(f'{number} to {workers[0]}' for number in workers[1:] if loaders)]):
        table.add_column(title, justify='right' if i else 'left', overflow='fold')
    for name, row in figures['rows'].items():
        share, ratio = row.get('decoding_share'), ratios.get(name)
        cells = [name, f'{row["ms"]["median"]:.2f}', _range(row['ms'], 2),
                 '' if share is None else f'{share:.0%}',
                 f'{ratio["value"]:.1f} ({_range(ratio, 1)})' if ratio else '']
        if loaders:
            cells += [f'{row["images_a_second"][number]["median"]:.0f}' for number in workers]
            cells += [f'{gain["value"]:.2f} ({_range(gain, 2)})'
                      for gain in row['workers_gain'].values()]
        table.add_row(*cells)
    return table


def show_steps(name: str, steps: list[dict]) -> Table:
    """Lay out a line for each part of a sample, those of a step together."""
    totals = {}
    for part in steps:
        totals[part['step']] = totals.get(part['step'], 0) + part['share']
    table = Table(title=f'{name}, step by step', box=box.SIMPLE)
    for i, title in enumerate(['step', 'change', 'times a sample', 'ms each', 'ms a sample',
                               'share', 'of the step']):
        table.add_column(title, justify='right' if i > 1 else 'left')
    for step in sorted(totals, key=totals.get, reverse=True):
        parts = [part for part in steps if part['step'] == step]
        for i, part in enumerate(parts):
            table.add_row('' if i else step, part['change'] or '(itself)',
                          f'{part["calls_a_sample"]:.2f}', f'{part["ms_a_call"]:.3f}',
                          f'{part["ms_a_sample"]:.3f}', f'{part["share"]:.1%}',
                          '' if i else f'{totals[step]:.1%}')
    return table


def sentences(figures: dict) -> list[str]:
    """Say what bounds our pipelines, and what puts the figures in doubt."""
    said = []
    for name, row in figures['rows'].items():
        bound = row.get('bound', {})
        if 'step' not in bound:
            continue
        change = f', of it {bound["change"]} {bound["change_share"]:.0%}' if bound['change'] else ''
        ceiling = (f': with all else free it would be {bound["ceiling"]:.1f} times as fast'
                   if bound['ceiling'] else '')
        said.append(f'{name}: decoding is {bound["decoding_share"]:.0%}{ceiling}. Next: '
                    f'{bound["step"]}, {bound["step_share"]:.0%}{change}.')
    shares = [row['processor_share'] for row in figures['rows'].values()]
    if min(shares) < _BUSY:
        said.append(f'Note: other processes took up to {1 - min(shares):.0%} of the core: '
                    'measure again on an idle machine.')
    if max(shares) > _THREADS:
        said.append(f'Note: a pipeline used {max(shares):.2f} cores: it has threads of its own.')
    load = figures['machine']['load_average']
    if load >= 1:
        said.append(f'Note: the load was {load:.1f} before the start: images a second and what '
                    'workers gain depend on idle cores.')
    workers, cores = figures['arguments']['workers'], figures['machine']['cores']
    if figures['arguments']['loader_seconds'] and max(workers) > cores:
        said.append(f'Note: {max(workers)} workers share {cores} cores.')
    wanted, number = figures['arguments']['images'], figures['images']['number']
    if number < wanted:
        said.append(f'Note: there are {number} images, fewer than --images {wanted}.')
    return said


def show(figures: dict) -> None:
    """Print everything."""
    console = Console()
    machine, images = figures['machine'], figures['images']
    console.print(f'{machine["cpu"]}, cores: {machine["cores"]}; images: {images["number"]} '
                  f'of {images["mean_bytes"] / 1e3:.0f} kB', highlight=False)
    console.print(show_rows(figures))
    for name, row in figures['rows'].items():
        if row.get('steps') and (name == JIGSAW or name in figures['arguments']['config']):
            console.print(show_steps(name, row['steps']))
    for sentence in sentences(figures):
        console.print(sentence, highlight=False)
