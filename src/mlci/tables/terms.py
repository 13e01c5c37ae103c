"""Questions as ibis expressions, of one table of any backend. Nothing here runs.

What SQL leaves to the backend is said in full: NaN is missing, floats are doubles, moments with a zone are in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mlci.errors import UsageError
from mlci.escape import line
from mlci.ports import Column
from mlci.questions import (
    Categories,
    Count,
    Equal,
    Extreme,
    Histogram,
    LengthOutside,
    Matching,
    Missing,
    NotIn,
    NotMatching,
    Outside,
    Rows,
    Shared,
    Test,
    Unequal,
    Value,
)
from mlci.tables.connection import Expr
from mlci.tables.patterns import java
from mlci.tables.plain import text
from mlci.tables.plain import value as plain_value

Scalar = Rows | Count | Extreme | Histogram | Categories
"""Questions that aggregates of one scan answer."""
NUMBERS = ("int", "float", "bool")


def column_type(native: Expr) -> str:
    """The type of a column as mlci calls it."""
    if native.is_integer() or (native.is_decimal() and native.scale == 0):  # huge integers, and all of Snowflake's
        return "int"
    if native.is_floating() or native.is_decimal():
        return "float"
    if native.is_string() or native.is_uuid():
        return "string"
    if native.is_boolean():
        return "bool"
    return "date" if native.is_date() else "datetime" if native.is_timestamp() else "other"


def columns_of(table: Expr) -> dict[str, Column]:
    """The columns of a table expression by name."""
    return {name: Column(name, column_type(native), str(native)) for name, native in table.schema().items()}


@dataclass(frozen=True, slots=True)
class Terms:
    """The columns of one table, as they are compared."""

    table: Expr
    columns: dict[str, Column]
    nan: bool = True
    """Whether the backend's floats know NaN."""
    java: bool = False
    """Whether its patterns are Java's."""

    def column(self, name: str) -> Column:
        """Raises UsageError when there is none."""
        if name not in self.columns:
            known = ", ".join(line(known) for known in list(self.columns)[:12])
            raise UsageError(f"the column `{line(name)}` is not there", hint=f"the table has {known}")
        return self.columns[name]

    def present(self, name: str) -> Expr:
        self.column(name)
        native = self.table[name]
        held = native.notnull()
        return held & ~native.isnan() if self.nan and native.type().is_floating() else held

    def value(self, name: str) -> Expr:
        """The column as it is compared; missing values of floats may be NaN."""
        native = self.table[name]
        match self.column(name).type:
            case "float":
                return native if native.type().is_float64() else native.cast("float64")
            case "string":
                return native if native.type().is_string() else native.cast("string")
            case "datetime":
                return native.cast("timestamp") if native.type().timezone else native
        return native

    def number(self, name: str) -> Expr:
        """The column as a double. Raises UsageError for what is no number."""
        kind = self.column(name).type
        if kind not in NUMBERS:
            raise UsageError(f"`{line(name)}` is {kind}, expected numbers")
        if kind == "bool":
            return self.value(name).cast("int64").cast("float64")
        return self.value(name) if kind == "float" else self.value(name).cast("float64")

    def string(self, name: str) -> Expr:
        kind = self.column(name).type
        if kind != "string":
            raise UsageError(f"`{line(name)}` is {kind}, expected text")
        return self.value(name)

    def key(self, name: str) -> Expr:
        """The column with NULL for NaN, so that missing values are one value."""
        import ibis

        value = self.value(name)
        return ibis.ifelse(self.present(name), value, ibis.null(value.type())) if value.type().is_floating() else value

    def all_present(self, names: Sequence[str]) -> Expr:
        held = self.present(names[0])
        for name in names[1:]:
            held &= self.present(name)
        return held

    # -- rows

    def holds(self, test: Test) -> Expr:
        """True for the rows that satisfy the test, NULL or false for others."""
        import ibis

        match test:
            case Missing(column):
                return ~self.present(column)
            case Outside(column, low, high):
                sides = [self._beyond(column, low, "<")] if low is not None else []
                sides += [self._beyond(column, high, ">")] if high is not None else []
                return self.present(column) & (sides[0] | sides[-1]) if sides else ibis.literal(False)
            case NotIn(column, values):
                return self.present(column) & ~self._among(column, values)
            case Matching(column, pattern):
                return self.string(column).re_search(java(pattern) if self.java else pattern)
            case NotMatching(column, pattern):
                return ~self.string(column).re_search(java(pattern) if self.java else pattern)
            case LengthOutside(column, least, most):
                length = self.string(column).length()
                ends = [length < least] if least is not None else []
                ends += [length > most] if most is not None else []
                return ends[0] | ends[-1] if ends else ibis.literal(False)
            case Equal(left, right):
                one, other = self._pair(left, right)
                return self.present(left) & self.present(right) & (one == other)
            case Unequal(left, right):
                one, other = self._pair(left, right)
                here, there = self.present(left), self.present(right)
                return (here & ~there) | (~here & there) | (here & there & (one != other))

    def _beyond(self, name: str, bound: Value, sign: str) -> Expr:
        value, held = self.against(name, bound)
        return value < held if sign == "<" else value > held

    def _among(self, name: str, values: Sequence[Value]) -> Expr:
        import ibis

        kind = self.column(name).type
        if kind == "int" and any(isinstance(item, float) for item in values):
            values = [float(item) for item in values if isinstance(item, int | float)]
        elif kind == "date" and any(isinstance(item, datetime) for item in values):
            values = [_midnight(item) for item in values if isinstance(item, date)]
        pairs = [self.against(name, item) for item in values]
        return pairs[0][0].isin([held for _, held in pairs]) if pairs else ibis.literal(False)

    def against(self, name: str, bound: Value) -> tuple[Expr, Expr]:
        """The column and a value, as two that compare. Raises UsageError when they do not."""
        import ibis

        kind, value = self.column(name).type, self.value(name)
        if kind == "bool" and isinstance(bound, bool):
            return value.cast("int8"), ibis.literal(int(bound))
        if kind in NUMBERS and isinstance(bound, int | float):
            whole = isinstance(bound, int) and kind == "int"
            return (
                (value, _integer(int(bound))) if whole else (self.number(name), ibis.literal(float(bound), "float64"))
            )
        if kind == "string" and isinstance(bound, str):
            return value, ibis.literal(bound)
        if kind in ("date", "datetime") and isinstance(bound, date):
            if kind == "date" and not isinstance(bound, datetime):
                return value, ibis.literal(bound)
            return value.cast("timestamp") if kind == "date" else value, ibis.literal(_midnight(bound))
        raise UsageError(f"`{line(name)}` is {kind}, and does not compare with {bound!r}")

    def _pair(self, left: str, right: str) -> tuple[Expr, Expr]:
        one, other = self.column(left), self.column(right)
        if one.type == other.type and one.type != "other":
            return self.value(left), self.value(right)
        if one.type in NUMBERS and other.type in NUMBERS:
            return self.number(left), self.number(right)
        # what is not of one kind is equal where it reads the same
        return self.value(left).cast("string"), self.value(right).cast("string")

    def shared(self, question: Shared, other: Terms) -> Expr:
        """The rows that occur, or do not occur, in another table."""
        named = {f"mlci_{index}": other.key(name) for index, name in enumerate(question.others)}
        there = other.table.select(**named).distinct().view()
        alike = []
        for mine, theirs, key in zip(question.columns, question.others, named, strict=True):
            one, two = self.column(mine).type, other.column(theirs).type
            if one != two and {one, two} != {"int", "float"}:
                raise UsageError(f"`{line(mine)}` is {one} here and {two} in `{line(question.dataset)}`")
            ours = self.key(mine)
            pair = (ours, there[key]) if one == two else (ours.cast("float64"), there[key].cast("float64"))
            alike.append(pair[0].identical_to(pair[1]) if question.nulls == "equal" else pair[0] == pair[1])
        return self.table.anti_join(there, alike) if question.absent else self.table.semi_join(there, alike)

    # -- aggregates

    def aggregates(self, question: Scalar, where: Expr) -> list[Expr]:
        """What answers a question, among many in one query; ``where`` are the rows looked at, None for all of them."""
        import ibis

        count = self.table.count
        match question:
            case Rows() | Count(test=None):
                return [count() if where is None else count(where=where)]
            case Count():
                assert question.test is not None
                held = self.holds(question.test)
                return [count(where=held if where is None else where & held)]
            case Extreme(column, side, until):
                held = self.present(column)
                if until is not None:
                    value, bound = self.against(column, until)
                    held &= value <= bound
                value = self.value(column)
                return [_plain(value.min(where=held) if side == "min" else value.max(where=held))]
            case Histogram(column, edges):
                number, held = self.number(column), self.present(column)
                reached = [count(where=held & (number <= ibis.literal(float(edge), "float64"))) for edge in edges]
                return [*reached, count(where=held)]
            case Categories(column, known):
                held = self.present(column)
                return [*(count(where=held & self.reads(column, [item])) for item in known), count(where=held)]

    def bin_of(self, question: Histogram) -> Expr:
        """The number of the bin that a value lies in, found in as many steps as the number of edges has bits."""
        import ibis

        number, edges = self.number(question.column), question.edges

        def between(low: int, high: int) -> Expr:
            if low == high:
                return ibis.literal(low, "int64")
            middle = (low + high) // 2
            is_low = number <= ibis.literal(float(edges[middle]), "float64")
            return ibis.ifelse(is_low, between(low, middle), between(middle + 1, high))

        return between(0, len(edges))

    # -- values as text

    def reads(self, name: str, texts: Sequence[str]) -> Expr:
        """Whether a present value has one of these texts."""
        import ibis

        kind, native = self.column(name).type, self.table[name]
        if kind in ("string", "other"):
            return native.cast("string").isin(texts)
        values = [value for written in texts for value in self._parsed(name, written)]
        if not values:
            return ibis.literal(False)
        if kind == "float" and native.type().is_decimal():
            return native.isin([ibis.literal(value, native.type()) for value in values])
        return self._among(name, values)

    def _parsed(self, name: str, written: str) -> list[Any]:
        """The value that has this text; none where no value does: nothing is written ``01``."""
        kind, native = self.column(name).type, self.table[name].type()
        try:
            if kind == "float" and native.is_decimal():
                decimal = Decimal(written)
                digits = decimal.as_tuple()
                fits = digits.exponent == -native.scale and len(digits.digits) <= native.precision
                return [decimal] if fits else []
            value = _PARSED[kind](written)
        except (ValueError, KeyError, ArithmeticError):
            return []
        if self.text(name, value) != written:
            return []
        if native.is_float32():
            import numpy as np

            value = float(np.float32(value))  # what its bits are as a double
        return [value]

    def text(self, name: str, cell: Any) -> str:
        """A present value, as it was fetched, as text."""
        if self.table[name].type().is_float32():
            import numpy as np

            return str(np.float32(cell) + np.float32(0))  # the few digits that tell it from its neighbours
        try:
            return text(fetched_value(cell, self.column(name).type) if isinstance(cell, str) else cell)
        except UsageError:
            return str(cell)

    def fetched(self, name: str) -> Expr:
        """The column as it is brought to Python."""
        kind, native = self.column(name).type, self.table[name]
        return native if kind in NUMBERS else _plain(self.value(name))


def fetched_value(cell: Any, kind: str) -> Any:
    """What was fetched, as a value of its type. Raises UsageError for a year that Python's calendar does not have."""
    if cell is None:
        return None
    if kind in ("int", "float") and not isinstance(cell, float):
        return int(cell) if kind == "int" else float(cell)
    try:
        if kind == "date":
            return date.fromisoformat(cell)
        return plain_value(datetime.fromisoformat(cell)) if kind == "datetime" else cell
    except ValueError:
        raise UsageError(f"{cell!r} is no moment between the years 1 and 9999") from None


def _plain(value: Expr) -> Expr:
    # days and moments as text: there are clients that hold no year before 1678
    native = value.type()
    return value if native.is_numeric() or native.is_string() or native.is_boolean() else value.cast("string")


def _integer(whole: int) -> Expr:
    import ibis

    if abs(whole) < 2**63:
        return ibis.literal(whole, "int64")
    return ibis.literal(Decimal(whole), "decimal(38, 0)") if abs(whole) < 10**38 else ibis.literal(float(whole))


def _midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)


_PARSED: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": {"true": True, "false": False}.__getitem__,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}
