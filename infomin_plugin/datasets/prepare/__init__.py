"""The paper's data sets: what is there, what is missing, fetched where that is allowed."""

from .files import PrepareError
from .run import Report, check, prepare
from .sources import SOURCES

__all__ = ['SOURCES', 'PrepareError', 'Report', 'check', 'prepare']
