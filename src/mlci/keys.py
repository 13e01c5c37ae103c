"""The file of a profile's salted key hashes: 64 bits each, little endian, ascending, each once.

With it, whether two datasets share keys is told without the training data. It tells others as well: whoever holds the
file and the salt (both are committed) can try keys that can be guessed, such as customer numbers, and learn whether
they are in it, right but for one try in 2^64 / n. So it is written only when somebody asks for it. The salt comes from
the content that was profiled: the same data make the same file, and files of different data have no hash in common.
"""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise

from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location

WIDTH = 8
MAX_BYTES = 1 << 30
"""Of a file of hashes: 134 million keys."""


def path_of(profile: str) -> str:
    """Where the keys of a profile stand: beside it, ``train.keys`` for ``train.profile.json``."""
    return profile.removesuffix(".json").removesuffix(".profile") + ".keys"


def salt(content: str, columns: Sequence[str]) -> str:
    """32 hexadecimal digits. Columns have salts of their own, so that one file holds the hashes of all of them."""
    return hashlib.sha256(json.dumps(["mlci keys", content, *columns]).encode()).hexdigest()[:32]


def join(parts: Iterable[bytes]) -> bytes:
    """Files of hashes as one."""
    hashes = sorted({value for part in parts for value in _numbers(part)})
    return _bytes(array("Q", hashes))


def pack(hashes: Iterable[int]) -> bytes:
    """Hashes that ascend, as a file holds them."""
    return _bytes(array("Q", hashes))


def read(raw: bytes, path: str, sha256: str) -> array[int]:
    """The hashes of a file whose digest the profile names. Raises InvalidFile when it is not that file."""
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise _wrong(path, "these are not the key hashes that the profile names")
    hashes = _numbers(raw) if len(raw) % WIDTH == 0 else array("Q")
    if len(raw) % WIDTH or any(one >= other for one, other in pairwise(hashes)):
        raise _wrong(path, "this is no file of key hashes: they must ascend, in 8 bytes each")
    return hashes


def _wrong(path: str, message: str) -> InvalidFile:
    return InvalidFile([Finding(Level.ERROR, message, Location(path), "mlci data profile --keys")])


def _numbers(raw: bytes) -> array[int]:
    found = array("Q")
    found.frombytes(raw)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _bytes(hashes: array[int]) -> bytes:
    if sys.byteorder == "big":
        hashes.byteswap()
    return hashes.tobytes()
