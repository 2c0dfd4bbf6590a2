"""Reads pickles without the ``pickle`` module: each operation is one of ours, and bounded.

A pickle is a program for a small machine. The standard library's machine allocates what a number
in the file says, hashes nested tuples of any depth, and calls what it is told to. This one builds
tensors, arrays and plain containers; other objects become an inert
:class:`~infomin_plugin.checkpoints.pickled_names.StandIn`. Memory is taken for no more than the
file's own bytes and :data:`MAX_OPERATIONS` objects, and no operation takes longer than its
argument is.

Of dicts and sets only items under plain keys are kept (text, bytes, numbers, None): hashing
another's key could take for ever. No trunk has such.
"""

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

from .arrays import PickledArray, PickledType
from .histories import PickledHistory
from .mappings import is_plain, put_items
from .pickled_names import Name, StandIn, look_up

# Of one file; that of a ResNet-152 with its optimiser and momentum encoder has 76,403.
MAX_OPERATIONS = 5_000_000

LITERALS = frozenset({
    'BINBYTES', 'BINBYTES8', 'BINFLOAT', 'BININT', 'BININT1', 'BININT2', 'BINSTRING', 'BINUNICODE',
    'BINUNICODE8', 'BYTEARRAY8', 'FLOAT', 'INT', 'LONG', 'LONG1', 'LONG4', 'SHORT_BINBYTES',
    'SHORT_BINSTRING', 'SHORT_BINUNICODE', 'STRING', 'UNICODE'})  # yapf: disable
CONSTANTS = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
SKIPPED = frozenset({'PROTO', 'FRAME'})


def load(file: BinaryIO, find_storage: Callable[[Any], Any] | None = None) -> Any:
    """Read a pickle.

    Args:
        file (BinaryIO): At the start of it; afterwards behind its end.
        find_storage (Callable, optional): Given what a pickle says of a thing outside of it,
            returns the thing. Without it such pickles are refused.

    Returns:
        Any: What the pickle holds.

    Raises:
        ForbiddenGlobalError: If it asks for an object that is no part of a checkpoint.
        Exception: Any other, if it is no pickle, is damaged, or of a form that checkpoints
            have not.
    """
    bounded = _Bounded(file)
    machine = _Machine(find_storage, bounded.end)
    for count, (operation, argument, _) in enumerate(pickletools.genops(bounded)):
        if count == MAX_OPERATIONS:
            raise pickle.UnpicklingError(f'it has more than {MAX_OPERATIONS:,} operations')
        machine.run(operation.name, argument)
    return machine.result()


class _Bounded:
    """A file of which no more is asked for than there is: a read takes its memory first."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.tell, self.readline = file, file.tell, file.readline
        place = file.tell()
        self.end = file.seek(0, 2)
        file.seek(place)

    def read(self, length: int) -> bytes:
        return self.file.read(min(length, self.end - self.file.tell()))


class _Machine:
    """The stack, the marks in it, and what was put aside."""

    def __init__(self, find_storage: Callable[[Any], Any] | None, budget: int) -> None:
        self.find_storage = find_storage
        self.budget = budget  # of what calls copy: what is in the file once can be given often
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, operation: str, argument: Any) -> None:
        if operation in LITERALS:
            self.stack.append(argument)
        elif operation in CONSTANTS:
            self.stack.append(CONSTANTS[operation])
        elif operation in OPERATIONS:
            OPERATIONS[operation](self, argument)
        elif operation not in SKIPPED:
            raise pickle.UnpicklingError(f'operation {operation} is in no checkpoint')

    def result(self) -> Any:
        if len(self.stack) != 1 or self.below:
            raise pickle.UnpicklingError('it ends with something left over')
        return self.stack[0]

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self, number: int = 1) -> list[Any]:
        """The last few items, which are taken off."""
        if len(self.stack) < number:
            raise pickle.UnpicklingError('it takes more from its stack than there is')
        items = self.stack[-number:]
        del self.stack[-number:]
        return items

    def pop_mark(self) -> list[Any]:
        """All items since the last mark, which are taken off."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: None) -> None:
        self.below.append(self.stack)
        self.stack = []

    def put(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def name(self, pair: str) -> None:
        self.push(_find(*pair.split(' ', 1)))

    def name_on_stack(self, _: None) -> None:
        self.push(_find(*self.pop(2)))

    def call(self, _: None) -> None:
        function, arguments = self.pop(2)
        if isinstance(function, StandIn):
            self.push(StandIn())
            return
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise pickle.UnpicklingError('it calls what is no function')
        self.budget -= len(arguments)
        if function.copies and arguments and isinstance(arguments[0], str | list | tuple | dict):
            self.budget -= len(arguments[0])
        if self.budget < 0:
            raise pickle.UnpicklingError('its calls would copy more than the file holds')
        self.push(function.call(*arguments))

    def call_with_names(self, _: None) -> None:
        self.pop()  # such objects are none of ours: their stand-ins take no arguments
        self.call(_)

    def build(self, _: None) -> None:
        [state] = self.pop()
        if isinstance(self.stack[-1], PickledArray | PickledType | PickledHistory):
            self.stack[-1].state = state
        elif not isinstance(self.stack[-1], OrderedDict | StandIn):
            raise pickle.UnpicklingError('it sets the state of what has none')

    def find(self, identifier: Any) -> None:
        if self.find_storage is None:
            raise pickle.UnpicklingError('it asks for something outside of it')
        self.push(self.find_storage(identifier))

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, StandIn):
            raise pickle.UnpicklingError('it appends to what is no list')

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict):
            put_items(target, items)
        elif not isinstance(target, StandIn):
            raise pickle.UnpicklingError('it sets an item of what is no dict')

    def add(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, set):
            target.update(filter(is_plain, items))
        elif not isinstance(target, StandIn):
            raise pickle.UnpicklingError('it adds to what is no set')


def _find(module: Any, name: Any) -> Name:
    if not isinstance(module, str) or not isinstance(name, str):
        raise pickle.UnpicklingError('it asks for a name that is no text')
    return look_up(f'{module}.{name}')


def _dict(items: list[Any]) -> dict:
    result = {}
    put_items(result, items)
    return result


OPERATIONS = {
    'MARK': _Machine.mark,
    'STOP': lambda machine, _: None,
    'POP': lambda machine, _: machine.pop() if machine.stack else machine.pop_mark(),
    'POP_MARK': lambda machine, _: machine.pop_mark(),
    'DUP': lambda machine, _: machine.push(machine.stack[-1]),
    'EMPTY_LIST': lambda machine, _: machine.push([]),
    'EMPTY_TUPLE': lambda machine, _: machine.push(()),
    'EMPTY_DICT': lambda machine, _: machine.push({}),
    'EMPTY_SET': lambda machine, _: machine.push(set()),
    'LIST': lambda machine, _: machine.push(machine.pop_mark()),
    'TUPLE': lambda machine, _: machine.push(tuple(machine.pop_mark())),
    'TUPLE1': lambda machine, _: machine.push(tuple(machine.pop())),
    'TUPLE2': lambda machine, _: machine.push(tuple(machine.pop(2))),
    'TUPLE3': lambda machine, _: machine.push(tuple(machine.pop(3))),
    'DICT': lambda machine, _: machine.push(_dict(machine.pop_mark())),
    'FROZENSET': lambda machine, _: machine.push(frozenset(filter(is_plain, machine.pop_mark()))),
    'APPEND': lambda machine, _: machine.extend(machine.pop()),
    'APPENDS': lambda machine, _: machine.extend(machine.pop_mark()),
    'SETITEM': lambda machine, _: machine.update(machine.pop(2)),
    'SETITEMS': lambda machine, _: machine.update(machine.pop_mark()),
    'ADDITEMS': lambda machine, _: machine.add(machine.pop_mark()),
    **dict.fromkeys(('PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE'), _Machine.put),
    **dict.fromkeys(('GET', 'BINGET', 'LONG_BINGET'),
                    lambda machine, place: machine.push(machine.memo[place])),
    'GLOBAL': _Machine.name,
    'STACK_GLOBAL': _Machine.name_on_stack,
    'REDUCE': _Machine.call,
    'NEWOBJ': _Machine.call,
    'NEWOBJ_EX': _Machine.call_with_names,
    'BUILD': _Machine.build,
    'BINPERSID': lambda machine, _: machine.find(*machine.pop()),
}
