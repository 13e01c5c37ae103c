"""What checks ask of a table: small frozen values that every engine answers alike.

A check declares its questions before any is answered, so that an engine can plan all of a dataset's questions as one
scan. Equal questions are one question. The counting is the same everywhere:

- Missing is NULL or NaN. A missing value satisfies no test but ``Missing``: it is not outside a range, not outside a
  set, matches no pattern, has no length, equals nothing.
- Patterns are RE2, and are searched for (as JSON Schema's ``pattern`` is): ``^`` and ``$`` anchor.
- Rows in repeats are all members of a group, not those after the first (dbt and Soda count the surplus).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

Value = str | int | float | bool | date | datetime
"""What a cell can be held against. A ``datetime`` is naive, in the table's own clock."""


# -- tests of one row


@dataclass(frozen=True, slots=True)
class Missing:
    """The value is NULL or NaN."""

    column: str


@dataclass(frozen=True, slots=True)
class Outside:
    """The value is present, and below ``low`` or above ``high``; None leaves a side open."""

    column: str
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True, slots=True)
class NotIn:
    """The value is present, and none of these."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """The value is present, and the pattern is found in it."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class NotMatching:
    """The value is present, and the pattern is not found in it."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class LengthOutside:
    """The text is present, and has fewer characters (code points) than ``least`` or more than ``most``."""

    column: str
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Equal:
    """Both values are present, and equal."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Unequal:
    """One value is missing and the other is not, or both are present and differ."""

    left: str
    right: str


Test = Missing | Outside | NotIn | Matching | NotMatching | LengthOutside | Equal | Unequal


# -- questions whose answer is a number of rows


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows there are, never of a sample. Answer: int."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows satisfy a test, all of them where there is none; of a sampled table, rows of the sample.

    ``where`` is a condition in SQL (DuckDB's) that a row must satisfy to be looked at. Answer: int.
    """

    test: Test | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows that are not alone with their values in ``columns``. Never of a sample. Answer: ``Repeated``.

    With ``nulls`` "apart" a row with a missing value repeats none (as SQL's UNIQUE has it); with "equal" missing
    values are the same value (as GROUP BY has it).
    """

    columns: tuple[str, ...]
    nulls: str = "apart"
    where: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows whose values in ``columns`` occur in the columns ``others`` of another dataset. Never of a sample.

    ``nulls`` as in ``Repeats``: "apart" lets a row with a missing value be in no other dataset. With ``absent`` the
    rows that do *not* occur there are meant; a row with a missing value is then not counted either (as SQL's FOREIGN
    KEY has it, MATCH SIMPLE). Answer: ``Repeated``: the rows, and how many distinct combinations they have.
    """

    columns: tuple[str, ...]
    dataset: str
    others: tuple[str, ...]
    nulls: str = "apart"
    absent: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Rows whose key is among the salted hashes of a profile (``mlci.keys``). Never of a sample. Answer: int."""

    columns: tuple[str, ...]
    salt: str
    dataset: str
    """The dataset whose key hashes are meant; the bench hands them to the engine under this name."""


@dataclass(frozen=True, slots=True)
class Selected:
    """Rows that a query in SQL (DuckDB's) returns; ``{data}`` in it is this table, ``{name}`` another dataset.

    Never of a sample. Answer: int.
    """

    sql: str


RowQuestion = Rows | Count | Repeats | Shared | Known | Selected
"""Questions of which the rows themselves can be shown."""


# -- questions about values


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least or the greatest present value of a column; None where every value is missing. Never of a sample.

    ``until`` leaves out values above it. Answer: Value | None.
    """

    column: str
    side: str
    """``min`` or ``max``."""
    until: Value | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many present values lie in each bin; the edges ascend strictly.

    Bins are ``(-inf, e0], (e0, e1], ..., (e_last, inf)``. Booleans and integers count as numbers.
    Answer: tuple of ``len(edges) + 1`` ints.
    """

    column: str
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Categories:
    """How often each of ``known`` occurs, values told by their text. Answer: ``len(known) + 1`` ints, the rest last."""

    column: str
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopValues:
    """The most frequent present values as text, the most frequent first, equally frequent ones in order of the text.

    Answer: tuple of at most ``most`` pairs (text, rows).
    """

    column: str
    most: int


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many different present values a column has. Exact up to ``most``, then ``most + 1``. Answer: int."""

    column: str
    most: int


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The present values at ranks ``ceil(q * n)``, at least 1, of the sorted column: the values themselves.

    Above ``exact`` present values, the quantiles are those of a systematic sample of the rows, the same each time.
    Answer: tuple of ``len(shares)`` floats; empty where every value is missing.
    """

    column: str
    shares: tuple[float, ...]
    exact: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Hashes:
    """The salted hashes of all rows that have a value in each of the columns, as ``Known`` asks for them.

    Never of a sample. Answer: bytes, as ``mlci.keys`` has them: ascending, each once.
    """

    columns: tuple[str, ...]
    salt: str


Question = RowQuestion | Extreme | Histogram | Categories | TopValues | Distinct | Quantiles | Hashes


@dataclass(frozen=True, slots=True)
class Repeated:
    """Rows in groups, and how many groups they are."""

    rows: int
    groups: int


Answer = int | Repeated | Value | None | bytes | tuple[int, ...] | tuple[float, ...] | tuple[tuple[str, int], ...]
