"""What is wrong with a file of rows, said so that its reader can find the place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlci.errors import ExitCode, LimitReached, MlciError
from mlci.escape import line

MAX_COLUMNS = 10_000
MAX_MESSAGE = 300


class UnreadableData(MlciError):
    """The file is not the table that it is taken for."""

    exit_code = ExitCode.INVALID
    code = "data"


def unreadable(label: str, what: str, hint: str = "", file: str = "") -> UnreadableData:
    """``file`` is said where the label is a pattern of several."""
    of = f"`{line(file)}`: " if file else ""
    return UnreadableData(f"`{line(label)}` cannot be read: {of}{what}", hint=hint)


def too_wide(label: str, columns: int) -> LimitReached:
    return LimitReached(
        f"`{line(label)}` has {columns:,} columns; at most {MAX_COLUMNS:,} are read",
        hint="leave columns out, or turn them into rows",
    )


def folded(name: str) -> str:
    """The name as DuckDB compares it, which knows the capitals of ASCII only."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def refuse_doubles(label: str, names: Iterable[str], file: str = "") -> None:
    """Raises UnreadableData when two columns have one name; no question could tell them apart."""
    seen: dict[str, tuple[int, str]] = {}
    for position, name in enumerate(names, 1):
        before, earlier = seen.setdefault(folded(name), (position, name))
        if before != position:
            alike = "" if name == earlier else f" and `{line(name)[:200]}`, which differ in capitals only"
            raise unreadable(
                label,
                f"its columns {before} and {position} are both named `{line(earlier)[:200]}`{alike}",
                "give every column a name of its own",
                file,
            )


def of_duckdb(error: Exception, label: str, files: Mapping[Path, str]) -> UnreadableData:
    """An error of DuckDB in one line, with the file and the place in it, and without the place on this machine.

    ``files`` are those read, and what each is called.
    """
    text = str(error)
    file = next((path for path in files if str(path) in text), None)
    name = files[file] if file else ""
    if found := re.search(r"CSV Error on Line: (\d+)", text):
        return unreadable(label, f"line {found[1]}: {_of_csv(text)}", _hint(text), name)
    if file and (found := re.search(r"Malformed JSON in file .*, at byte \d+ in line (\d+): ([^.\n]*)", text)):
        return unreadable(label, f"line {_json_line(file, int(found[1]))}: {found[2]}", _JSON_HINT, name)
    if found := re.search(r"JSON transform error in file .*?, in line (\d+): (?:Object .* has )?([^\n]*)", text):
        said = _without_values(found[2]) if "cast" in found[2] else found[2]
        return unreadable(label, f"line {found[1]}: {line(said)[:MAX_MESSAGE]}", _JSON_HINT, name)
    if "Permission Error" in text:
        hint = "a dataset, and the SQL of a check, read the files that the manifest names as datasets, and no others"
        return unreadable(label, "it would read a file that is no dataset of the model", hint, name)
    if "expected records" in text:
        return unreadable(label, "a line of it holds no object", _JSON_HINT, name)
    if text.startswith(_OF_VALUES):
        # a cell may be about somebody, and of a sensitive column
        return unreadable(label, first_line(type(error)(_without_values(text))), _hint(text), name)
    return unreadable(label, first_line(error), _hint(text), name)


_OF_VALUES = ("Conversion Error", "Out of Range Error", "Invalid Input Error: Could not parse")


def _without_values(text: str) -> str:
    """What is said of a value, without the value: texts are quoted, and hold quotes and lines of their own."""
    said = text.split("\n\nLINE ", 1)[0]
    if found := re.search("['\"]", said):
        before, quote, rest = said.partition(found.group())
        after = rest.rpartition(quote)[2]
        # "... to INT32 when casting from source column x"; anything else may be the value once more
        kept = after if after.startswith(" to ") and "\n" not in after else ""
        said = f"{before}{quote}…{quote}{kept}"
    return re.sub(r"(?<![\w.])-?\d[\d.]*(e[+-]?\d+)?(?!\w)", "…", said)


def first_line(error: Exception) -> str:
    wanted = [part for part in str(error).splitlines() if part.strip()]
    shown = wanted[0] if wanted else type(error).__name__
    return line(_PLACE.sub(r"\1", shown))[:MAX_MESSAGE]


_PLACE = re.compile(r"\"?/[^\s\"]*/([^/\s\"]+)\"?")
_JSON_HINT = "write one JSON object a line"
_CSV_DETAILS = (
    (r"Expected Number of Columns: (\d+) Found: (\d+)", r"it has \2 fields, expected \1"),
    (r"Error when converting column (\"[^\n]*?\")\. Could not convert string (\"[^\n]*\") to '(\w+)'", None),
    (r"Maximum line size of (\d+) bytes exceeded", r"it is longer than \1 bytes"),
    (r"Invalid unicode", "it is not UTF-8"),
    (r"unterminated quote", "a quote is never closed"),
)


def _of_csv(text: str) -> str:
    for pattern, words in _CSV_DETAILS:
        if found := re.search(pattern, text):
            # not the value itself: it may be about somebody
            shown = found.expand(words) if words else f"a value of the column {found[1]} is no {found[3]}"
            return line(shown)[:MAX_MESSAGE]
    rest = [part for part in text.splitlines()[1:] if part.strip() and not part.startswith("Original Line")]
    return line(rest[0])[:MAX_MESSAGE] if rest else "it is not written as the lines above"


def _hint(text: str) -> str:
    if "Arrow Type" in text:
        return "write the column as a type that DuckDB has"
    if "invalid unicode" in text.lower():  # every error of a CSV file names encodings among its cures
        return "save the file as UTF-8, or say csv: {encoding: latin-1}"
    if "CSV Error" in text or "sniff" in text:
        return "look at the line it names: its number of fields, its quotes"
    return ""


def _json_line(path: Path, said: int) -> int:
    """The number of the malformed line: DuckDB counts from 2 where a line is cut off, from 1 where it is not."""
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                if number >= said - 1:  # and half a character is none to DuckDB
                    json.dumps(json.loads(raw), ensure_ascii=False).encode()
                if number >= said:
                    break
    except (ValueError, RecursionError):
        return number
    return said
