"""The questions answered in plain Python over lists: what every other engine is held against.

Written to be seen to be right. Nothing here is quick, and nothing reads SQL.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

from mlci import keys as keys_file
from mlci.errors import UsageError
from mlci.questions import (
    Answer,
    Categories,
    Count,
    Distinct,
    Equal,
    Extreme,
    Hashes,
    Histogram,
    Known,
    LengthOutside,
    Matching,
    Missing,
    NotIn,
    NotMatching,
    Outside,
    Quantiles,
    Question,
    Repeated,
    Repeats,
    RowQuestion,
    Rows,
    Selected,
    Shared,
    Test,
    TopValues,
    Unequal,
    Value,
)
from mlci.tables.patterns import python

Data: TypeAlias = Mapping[str, Sequence[Any]]
Row: TypeAlias = dict[str, Any]

NOTHING: Mapping[str, Any] = MappingProxyType({})


def answer(
    data: Data,
    question: Question,
    others: Mapping[str, Data] = NOTHING,
    keys: Mapping[str, Collection[int]] = NOTHING,
) -> Answer:
    """The answer; ``others`` are the datasets that ``Shared`` names, ``keys`` the hashes that ``Known`` names.

    Raises UsageError for SQL, for a column that is not there, and for values that do not compare.
    """
    if isinstance(question, RowQuestion):
        found = meant(data, question, others, keys)
        if isinstance(question, Repeats | Shared):
            return Repeated(len(found), len({_key(row, question.columns) for row in found}))
        return len(found)
    if isinstance(question, Hashes):
        whole = _whole_keys(data, question.columns)
        return keys_file.pack(sorted({key_hash(question.salt, texts) for _, texts in whole}))
    present = [value(cell) for cell in _cells(data, question.column) if not is_missing(cell)]
    match question:
        case Extreme():
            kept = [cell for cell in present if question.until is None or not _below(value(question.until), cell)]
            return _own(data, question.column, (min if question.side == "min" else max)(kept, default=None))
        case Histogram():
            return _histogram([_number(cell) for cell in present], question.edges)
        case Categories():
            counts = _texts(data, question.column)
            known = [counts[item] for item in question.known]
            return (*known, len(present) - sum(known))
        case TopValues():
            ordered = sorted(_texts(data, question.column).items(), key=lambda item: (-item[1], item[0]))
            return tuple(ordered[: question.most])
        case Distinct():
            return min(len(set(present)), question.most + 1)
        case Quantiles():
            step = math.ceil(len(present) / question.exact) or 1
            return quantiles(sorted(_number(cell) for cell in present[::step]), question.shares)


def meant(
    data: Data,
    question: RowQuestion,
    others: Mapping[str, Data] = NOTHING,
    keys: Mapping[str, Collection[int]] = NOTHING,
) -> list[Row]:
    """The rows that a question counts."""
    if isinstance(question, Selected) or (isinstance(question, Count | Repeats | Shared) and question.where):
        raise UsageError("SQL can be asked of a database only")
    rows = list(_rows(data))
    match question:
        case Rows():
            return rows
        case Count():
            return [row for row in rows if question.test is None or holds(question.test, row)]
        case Repeats():
            looked_at = rows if question.nulls == "equal" else [row for row in rows if _whole(row, question.columns)]
            times = Counter(_key(row, question.columns) for row in looked_at)
            return [row for row in looked_at if times[_key(row, question.columns)] > 1]
        case Shared():
            other = others.get(question.dataset)
            if other is None:
                raise UsageError(f"there is no dataset `{question.dataset}`")
            for ours, theirs in zip(question.columns, question.others, strict=True):
                _same_kind(_cells(data, ours), _cells(other, theirs))
            there = {_key(row, question.others) for row in _rows(other)}
            looked_at = rows if question.nulls == "equal" else [row for row in rows if _whole(row, question.columns)]
            return [row for row in looked_at if (_key(row, question.columns) in there) != question.absent]
        case Known():
            hashes = keys[question.dataset]
            whole = _whole_keys(data, question.columns)
            return [row for row, texts in whole if key_hash(question.salt, texts) in hashes]


def holds(test: Test, row: Row) -> bool:
    """Whether a row satisfies a test."""
    match test:
        case Missing():
            return is_missing(_cell(row, test.column))
        case Equal() | Unequal():
            left, right = _cell(row, test.left), _cell(row, test.right)
            if is_missing(left) or is_missing(right):
                return isinstance(test, Unequal) and is_missing(left) != is_missing(right)
            return _equal(left, right) == isinstance(test, Equal)
    cell = _cell(row, test.column)
    if is_missing(cell):
        return False
    held = value(cell)
    match test:
        case Outside():
            too_low = test.low is not None and _below(held, value(test.low))
            too_high = test.high is not None and _below(value(test.high), held)
            return too_low or too_high
        case NotIn():
            return held not in [value(item) for item in test.values]
        case Matching():
            return _is_found(test.pattern, _text(held, test.column))
        case NotMatching():
            return not _is_found(test.pattern, _text(held, test.column))
        case LengthOutside():
            length = len(_text(held, test.column))
            return (test.least is not None and length < test.least) or (test.most is not None and length > test.most)


# -- values: the same for every engine that brings them to Python ------------------------------------------------------


def is_missing(cell: Any) -> bool:
    """NULL or NaN."""
    return cell is None or cell != cell


def value(cell: Any) -> Any:
    """A cell as it is compared: a day is its midnight, a moment is in UTC and naive, a decimal is a float."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    return float(cell) if isinstance(cell, Decimal) else cell


def text(cell: Any) -> str:
    """A present value as text: ``true``, ``1.0``, ``2024-02-29 13:05:06.5``. Negative zero is zero."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return repr(cell + 0.0)
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, datetime):
        written = value(cell).isoformat(sep=" ")
        return str(written.rstrip("0") if cell.microsecond else written)
    return str(cell)


def key_hash(salt: str, texts: Iterable[str]) -> int:
    """64 bits of the MD5 of the salt and the texts, each with its length before it: stable for ever."""
    written = salt + "".join(f"{len(item)}:{item}" for item in texts)
    return int.from_bytes(hashlib.md5(written.encode(), usedforsecurity=False).digest()[8:], "little")


def quantiles(ordered: Sequence[float], shares: Iterable[float]) -> tuple[float, ...]:
    """The values at the ranks of the shares; empty where there is no value."""
    return tuple(ordered[rank(share, len(ordered)) - 1] for share in shares) if len(ordered) else ()


def rank(share: float, n: int) -> int:
    """``ceil(share * n)``, at least 1, of the share as it is written: 0.56 of 25 is the 14th, not the 15th."""
    return max(1, math.ceil(Fraction(repr(float(share))) * n))


# -- parts -------------------------------------------------------------------------------------------------------------


def _rows(data: Data) -> Iterator[Row]:
    for cells in zip(*data.values(), strict=True):
        yield dict(zip(data, cells, strict=True))


def _cells(data: Data, column: str) -> Sequence[Any]:
    return [_cell(row, column) for row in _rows(data)]


def _cell(row: Row, column: str) -> Any:
    if column not in row:
        raise UsageError(f"the column `{column}` is not there")
    return row[column]


def _whole(row: Row, columns: Iterable[str]) -> bool:
    return not any(is_missing(_cell(row, column)) for column in columns)


def _key(row: Row, columns: Iterable[str]) -> tuple[Any, ...]:
    cells = (_cell(row, column) for column in columns)
    return tuple(None if is_missing(cell) else value(cell) for cell in cells)


def _whole_keys(data: Data, columns: Sequence[str]) -> list[tuple[Row, list[str]]]:
    whole = [row for row in _rows(data) if _whole(row, columns)]
    return [(row, [text(row[column]) for column in columns]) for row in whole]


def _texts(data: Data, column: str) -> Counter[str]:
    return Counter(text(cell) for cell in _cells(data, column) if not is_missing(cell))


def _own(data: Data, column: str, found: Any) -> Value | None:
    """The value as the column has it: a day that was compared as its midnight is a day again."""
    days = all(type(cell) is date for cell in _cells(data, column) if cell is not None)
    own: Value | None = found.date() if isinstance(found, datetime) and days else found
    return own


def _histogram(present: Sequence[float], edges: Sequence[float]) -> tuple[int, ...]:
    bins = [0] * (len(edges) + 1)
    for number in present:
        bins[sum(1 for edge in edges if edge < number)] += 1
    return tuple(bins)


def _same_kind(ours: Iterable[Any], theirs: Iterable[Any]) -> None:
    """Texts of numbers are no numbers: that nothing is shared would be no answer, but a mistake."""
    kinds = [{_kind(cell) for cell in cells if not is_missing(cell)} for cells in (ours, theirs)]
    if all(kinds) and kinds[0] != kinds[1]:
        raise UsageError(f"{min(kinds[0])} here and {min(kinds[1])} there do not compare")


def _kind(cell: Any) -> str:
    return "number" if _is_number(cell) and not isinstance(cell, bool) else type(cell).__name__


def _equal(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        both_whole = isinstance(left, int) and isinstance(right, int)
        return bool(left == right if both_whole else float(left) == float(right))
    if type(left) is type(right):
        return bool(value(left) == value(right))
    return text(left) == text(right)  # what is not of one kind is equal where it reads the same


def _below(left: Any, right: Any) -> bool:
    try:
        return bool(left < right)
    except TypeError:
        raise UsageError(f"{left!r} and {right!r} do not compare") from None


def _is_found(pattern: str, written: str) -> bool:
    try:
        return python(pattern).search(written) is not None
    except re.error as error:
        raise UsageError(f"Python cannot read the pattern `{pattern}`: {error}") from None


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float | Decimal)


def _number(cell: Any) -> float:
    if not _is_number(cell):
        raise UsageError(f"{cell!r} is no number")
    return float(cell)


def _text(cell: Any, column: str) -> str:
    if not isinstance(cell, str):
        raise UsageError(f"`{column}` holds {cell!r}, expected text")
    return cell
