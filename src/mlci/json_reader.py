"""Strict JSON (RFC 8259) with the place of every value."""

from __future__ import annotations

import json.decoder
import re
from bisect import bisect_right
from typing import Any

from mlci.reader import Pointer, Reader, Stop, show

_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


class Json:
    """RFC 8259 with the place of every value; the standard library's reader keeps no places."""

    def __init__(self, reader: Reader, text: str) -> None:
        self.reader = reader
        self.text = text
        self.index = 0
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def document(self) -> None:
        try:
            self.skip()
            if self.index == len(self.text):
                raise self.wrong("the file is empty")
            self.reader.data = self.value(())
            self.skip()
            if self.index < len(self.text):
                raise self.wrong("something follows the end of the document", "keep one document in a file")
        except Stop:
            return

    def place(self, index: int) -> tuple[int, int]:
        row = bisect_right(self.starts, index)
        return row, index - self.starts[row - 1] + 1

    def wrong(self, message: str, hint: str = "") -> Stop:
        return self.reader.stop(self.place(self.index), message, hint)

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.index)
        assert match
        self.index = match.end()

    def peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def take(self, expected: str) -> None:
        if self.peek() != expected:
            raise self.wrong(
                f"this is not JSON: expected `{expected}`, found {show(self.peek() or 'the end of the file')}"
            )
        self.index += 1

    def value(self, pointer: Pointer) -> Any:
        place = self.place(self.index)
        self.reader.node(pointer, place)
        char = self.peek()
        if char == "{":
            return self.mapping(pointer)
        if char == "[":
            return self.list(pointer)
        if char == '"':
            value = self.string()
            self.reader.text(value, place)
            return value
        match = _JSON_NUMBER.match(self.text, self.index)
        if match and match.end() > self.index:
            return self.number(match)
        for word, meaning in _WORDS.items():
            if self.text.startswith(word, self.index):
                self.index += len(word)
                return meaning
        if re.compile("-?(NaN|Infinity)").match(self.text, self.index):
            raise self.wrong("a number must be finite")
        raise self.wrong(f"this is not JSON: found {show(char or 'the end of the file')} where a value should stand")

    def number(self, match: re.Match[str]) -> int | float:
        digits = match.group()
        if match.group(2) is None and match.group(3) is None:
            if len(digits) > 19:
                raise self.wrong(f"{show(digits)} has more digits than a number can hold")
            self.index = match.end()
            return int(digits)
        value = float(digits)
        if abs(value) == float("inf"):
            raise self.wrong(f"{show(digits)} is more than a number can hold; a number must be finite")
        self.index = match.end()
        return value

    def string(self) -> str:
        try:
            value, end = json.decoder.scanstring(self.text, self.index + 1)  # type: ignore[attr-defined]  # C-accelerated, since 2.6
        except json.JSONDecodeError as error:
            self.index = error.pos
            raise self.wrong(f"this is not JSON: {error.msg}") from None
        self.index = end
        return str(value)

    def mapping(self, pointer: Pointer) -> dict[str, Any]:
        data: dict[str, Any] = {}
        self.take("{")
        self.skip()
        while self.peek() != "}":
            if data:
                self.take(",")
                self.skip()
            place = self.place(self.index)
            if self.peek() != '"':
                raise self.wrong("this is not JSON: a key must be in double quotes")
            key = self.string()
            self.reader.key(pointer, data, key, place)
            self.skip()
            self.take(":")
            self.skip()
            data[key] = self.value((*pointer, key))
            self.skip()
        self.take("}")
        return data

    def list(self, pointer: Pointer) -> list[Any]:
        data: list[Any] = []
        self.take("[")
        self.skip()
        while self.peek() != "]":
            if data:
                self.take(",")
                self.skip()
            data.append(self.value((*pointer, len(data))))
            self.skip()
        self.take("]")
        return data
