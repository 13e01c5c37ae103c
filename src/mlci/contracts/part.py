"""A mapping of a contract while it is read: each key is taken once, by its type, and what nobody took is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlci.contracts.draft import Draft
from mlci.contracts.values import is_number, is_whole
from mlci.places import Location
from mlci.reader import Pointer, show

_WORDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


class Part:
    """One mapping, its place, and the keys that were taken."""

    def __init__(self, draft: Draft, data: dict[str, Any], pointer: Pointer, of: str = "") -> None:
        self.draft = draft
        self.data = data
        self.pointer = pointer
        self.of = of
        """The column that it is about, for what is told of it."""
        self.taken: set[str] = set()

    def at(self, *keys: str | int) -> Location:
        return self.draft.document.at(*self.pointer, *keys)

    def first(self, *keys: str) -> Location:
        """The place of the first of these keys that is there."""
        return self.at(*[key for key in keys if self.has(key)][:1])

    def skip(self, what: str, reason: str, *keys: str | int) -> None:
        """Tell that something of it is not checked."""
        self.draft.skip(what, reason, self.at(*keys), self.of)

    def has(self, key: str) -> bool:
        return self.data.get(key) is not None

    def take(self, key: str) -> Any:
        """The value of a key, whatever it is; None where it is not there."""
        self.taken.add(key)
        return self.data.get(key)

    def flag(self, key: str) -> bool:
        """Whether it is true; anything but true and false is told."""
        return bool(self._typed(key, bool))

    def text(self, key: str) -> str:
        return str(self._typed(key, str) or "")

    def number(self, key: str) -> Any:
        value = self.take(key)
        if value is None or is_number(value):
            return value
        self._not(key, "a number")
        return None

    def whole(self, key: str) -> int | None:
        value = self.take(key)
        if value is None or is_whole(value):
            return value if value is None else int(value)
        self._not(key, "a whole number")
        return None

    def items(self, key: str) -> list[Any]:
        found: list[Any] = self._typed(key, list) or []
        return found

    def part(self, key: str) -> Part | None:
        value = self._typed(key, dict)
        return None if value is None else Part(self.draft, value, (*self.pointer, key), self.of)

    def parts(self, key: str) -> Iterator[Part]:
        """The mappings of a list."""
        for index, item in enumerate(self.items(key)):
            if isinstance(item, dict):
                yield Part(self.draft, item, (*self.pointer, key, index), self.of)
            else:
                self.skip(f"an entry of `{key}`", "it is no mapping", key, index)

    def names(self, key: str) -> list[str]:
        """A name or a list of names; empty where it is neither."""
        value = self.take(key)
        names = [value] if isinstance(value, str) else value
        if isinstance(names, list) and all(isinstance(name, str) and name for name in names):
            return list(dict.fromkeys(names))
        if value is not None:
            self._not(key, "a name or a list of names")
        return []

    def tell(self, reason: str, keys: Iterable[str]) -> None:
        """Tell of each of these keys, if it is there, that it is not checked."""
        for key in keys:
            if self.has(key) and key not in self.taken:
                self.skip(f"`{key}`", reason, key)
            self.taken.add(key)

    def rest(self, described: Iterable[str], reason: str) -> None:
        """Tell of every key that was not taken, but of those that only describe."""
        known = self.taken | set(described)
        for key, value in self.data.items():
            if key not in known and value is not None:
                self.skip(show(key), reason, key)

    def _typed(self, key: str, type_: type) -> Any:
        value = self.take(key)
        if value is None or isinstance(value, type_):
            return value
        self._not(key, _WORDS[type_])
        return None

    def _not(self, key: str, wanted: str) -> None:
        self.skip(f"`{key}`", f"it is {_WORDS.get(type(self.data[key]), 'something')}, expected {wanted}", key)
