"""What the readers of YAML and JSON share: the bounds, the places, the findings."""

from __future__ import annotations

from typing import Any

from mlci.escape import UNSEEN, line
from mlci.findings import Finding, Level
from mlci.places import Location

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_FINDINGS = 50

Pointer = tuple[str | int, ...]


class Stop(Exception):
    """Reading on makes no sense; the findings say why."""


class Reader:
    """Collects data, places and findings under the bounds, whatever the syntax is."""

    max_bytes = MAX_BYTES

    def __init__(self, path: str, *, foreign: bool = False) -> None:
        self.path = path
        self.foreign = foreign
        """Whether the file follows the rules of another tool; see ``document.read``."""
        self.data: Any = None
        self.values: dict[Pointer, tuple[int, int]] = {}
        self.keys: dict[Pointer, tuple[int, int]] = {}
        self.findings: list[Finding] = []
        self.nodes = 0

    def refuse(self, place: tuple[int, int], message: str, hint: str = "") -> None:
        self.findings.append(Finding(Level.ERROR, message, Location(self.path, *place), hint))
        if len(self.findings) >= MAX_FINDINGS:
            raise Stop

    def stop(self, place: tuple[int, int], message: str, hint: str = "") -> Stop:
        self.refuse(place, message, hint)
        return Stop()

    def decode(self, raw: bytes) -> str:
        if len(raw) > self.max_bytes:
            self.refuse((1, 1), f"the file has {len(raw):,} bytes; at most {self.max_bytes:,} are read")
            return ""
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8", "replace")
            self.refuse(
                place_of(before, len(before)),
                f"byte 0x{raw[error.start]:02x} is not UTF-8",
                "save the file as UTF-8",
            )
            return ""
        for found in UNSEEN.finditer(text):
            if found.group() == "\r" and text[found.end() : found.end() + 1] == "\n":
                continue
            try:
                self.refuse(
                    place_of(text, found.start()),
                    f"U+{ord(found.group()):04X} is a control or invisible character",
                    "delete it; inside a text, write it as an escape only where it is meant",
                )
            except Stop:
                break
        return text

    def node(self, pointer: Pointer, place: tuple[int, int]) -> None:
        """Count a value and note where it stands."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.stop(place, f"the file has more than {MAX_NODES:,} values")
        if len(pointer) > MAX_DEPTH:
            raise self.stop(place, f"nested more than {MAX_DEPTH} levels deep")
        self.values[pointer] = place

    def key(self, parent: Pointer, mapping: dict[str, Any], key: str, place: tuple[int, int]) -> None:
        pointer = (*parent, key)
        if pointer in self.keys:
            first, _ = self.keys[pointer]
            self.refuse(place, f"duplicate key {show(key)}: it stands at line {first} already", "keep one of the two")
        elif key == "__proto__":
            self.refuse(place, "the key `__proto__` changes objects in JavaScript readers of this file")
        self.text(key, place)
        self.keys[pointer] = place
        mapping[key] = None

    def text(self, value: str, place: tuple[int, int]) -> None:
        """Refuse what only an escape can have brought into a text."""
        found = UNSEEN.search(value)
        if found:
            self.refuse(place, f"an escape puts the control or invisible character U+{ord(found.group()):04X} here")


def show(value: str, limit: int = 60) -> str:
    """A text from the file, as a message quotes it."""
    shown = line(value)
    return f"`{shown[:limit]}…`" if len(shown) > limit else f"`{shown}`"


def place_of(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
