"""Seeded changes of valid files, as damage makes them and as somebody hostile would."""

import json
import pickletools
import random
import re
from collections.abc import Callable

# Numbers at which counters turn over, and what is none
NUMBERS = (0, -1, 1, 127, 255, 2**31 - 1, 2**31, 2**32, 2**62, 2**63, 10**30, 1e308, float('nan'),
           float('inf'), -float('inf'))
VALUES = (*NUMBERS, None, True, '', '../../x', '/etc/passwd', 'a\0b', 'x' * 5000, [], {}, [[]],
          [[[]]], {'a': {}}, '\ud800', '\x1b[2J')

Change = Callable[[bytes, random.Random], bytes]


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """One to eight bits anywhere."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def replace_bytes(data: bytes, rng: random.Random) -> bytes:
    """A few bytes by others, which are often large or zero."""
    data = bytearray(data)
    start = rng.randrange(len(data))
    for place in range(start, min(start + rng.randint(1, 8), len(data))):
        data[place] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
    return bytes(data)


def cut_short(data: bytes, rng: random.Random) -> bytes:
    """The beginning alone."""
    return data[:rng.randrange(len(data))]


def splice(data: bytes, rng: random.Random) -> bytes:
    """A piece of the file once more at another place, or left out."""
    start = rng.randrange(len(data))
    piece = data[start:start + rng.randint(1, 200)]
    if rng.random() < 0.5:
        return data[:start] + data[start + len(piece):]
    place = rng.randrange(len(data))
    return data[:place] + piece * rng.choice((1, 1, 2, 50)) + data[place:]


BYTES = (flip_bits, replace_bytes, cut_short, splice)


def change_operations(data: bytes, rng: random.Random) -> bytes:
    """Operations of a pickle left out, repeated, exchanged, or replaced by others."""
    places = [place for _, _, place in pickletools.genops(data)] + [len(data)]
    pieces = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(pieces))
        kind = rng.randrange(5)
        if kind == 0 and len(pieces) > 1:
            del pieces[at]
        elif kind == 1:
            pieces[at:at] = [pieces[at]] * rng.choice((1, 3, 100))
        elif kind == 2:
            other = rng.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif kind == 3:
            pieces[at] = rng.choice(pickletools.opcodes).code.encode('latin1') + rng.choice(
                (b'', b'\xff' * 8, b'\x00' * 8, b'\x08\x00\x00\x00', b'os\nsystem\n'))
        else:
            number = rng.choice((2**31 - 1, -1, 2**40, 2**63 - 1))
            pieces[at] = b'\x8a\x08' + number.to_bytes(8, 'little', signed=True)
    return b''.join(pieces)


def change_json(data: bytes, rng: random.Random) -> bytes:
    """Values anywhere in it replaced by hostile ones, left out, or of deep nesting."""
    content = json.loads(data)
    for _ in range(rng.randint(1, 2)):
        parents = [content]
        for parent in parents:
            children = parent.values() if isinstance(parent, dict) else parent
            parents += [child for child in children if isinstance(child, list | dict) and child]
        parent = rng.choice(parents)
        key = rng.choice(list(parent)) if isinstance(parent, dict) else rng.randrange(len(parent))
        if rng.random() < 0.15:
            del parent[key]
        else:
            parent[key] = rng.choice(VALUES)
        if not content:
            break
    text = json.dumps(content)
    if rng.random() < 0.1:
        deep = rng.choice((50, 900, 100_000))
        text = re.sub(r'\d+', '[' * deep + ']' * deep, text, count=1)
    if rng.random() < 0.1:
        text = re.sub(r'\d+', '9' * rng.choice((400, 4000, 5000)), text, count=rng.randint(1, 20))
    return text.encode()


def change_xml(data: bytes, rng: random.Random) -> bytes:
    """Texts of elements replaced, elements nested, declarations added."""
    text = data.decode()
    kind = rng.randrange(4)
    if kind == 0:
        value = str(rng.choice(VALUES)).replace('\ud800', '&#xD800;')
        spots = list(re.finditer(r'>([^<]*)<', text))
        spot = rng.choice(spots)
        text = text[:spot.start(1)] + value + text[spot.end(1):]
    elif kind == 1:
        deep = rng.choice((10, 200, 50_000))
        text = text.replace('<object>', '<object>' + '<a>' * deep + '</a>' * deep, 1)
    elif kind == 2:
        encoding = rng.choice(('utf-7', 'utf-16', 'rot13', 'idna', 'unicode_escape', 'none',
                               'cp037', 'shift_jis', 'utf-8'))
        text = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
    else:
        text = rng.choice((
            '<!DOCTYPE a [<!ENTITY x "x">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
            '<?a b?>', '<!-- -->', '<![CDATA[')) + text
    return text.encode()


def change_list(data: bytes, rng: random.Random) -> bytes:
    """A line of a list of names replaced by a hostile one."""
    lines = data.decode().splitlines()
    lines[rng.randrange(len(lines))] = rng.choice(
        ('../../etc/passwd', '/etc/passwd', 'a\0b', '', ' ', 'x' * 5000, '..', 'a\x1b[2J'))
    return '\n'.join(lines).encode()


def choose(changes: tuple[Change, ...], data: bytes, rng: random.Random) -> bytes:
    """One of the changes, sometimes two."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        try:
            data = rng.choice(changes)(data, rng) or b'\0'
        except (ValueError, AttributeError, IndexError, RecursionError):  # no longer of the form
            data = rng.choice(BYTES)(data, rng) or b'\0'
    return data

