"""Folders of runs -> tables, in one call."""

from infomin_plugin.engine.results.markdown import render
from infomin_plugin.engine.results.measurements import read_measurements
from infomin_plugin.engine.results.tables import by_task, side_by_side


def read(*folders, wide=False):
    """Tables by title, what was left out by place, and the text."""
    found, left_out = read_measurements(folders)
    tables, repeated = by_task(found)
    tables = side_by_side(tables) if wide else [table for _, table in tables]
    return ({table.title: table for table in tables}, dict(left_out + repeated),
            render(tables, left_out + repeated, 'command'))


def only(*folders):
    """The one table there is, and the rest of ``read``."""
    tables, left_out, text = read(*folders)
    assert len(tables) == 1, list(tables)
    return next(iter(tables.values())), left_out, text
