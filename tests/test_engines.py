"""One suite for all engines: the same questions to the same rows, in Python, DuckDB, ibis on DuckDB, and Spark.

What is expected is written by hand; the oracle in plain Python is one of those held against it. PySpark's tests are in
one group, since each worker that has one starts a Java machine.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci import keys as keys_file
from mlci.errors import MissingExtra, UsageError
from mlci.ports import Column
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
from mlci.tables import plain, user_sql
from mlci.tables.connection import DatabaseFailed, masked
from mlci.tables.duck import DuckTable, Warehouse
from mlci.tables.patterns import python
from mlci.tables.remote import RemoteTable, open_remote
from mlci.tables.scan import Scan
from mlci.tables.sql import Relation, without_nan

pytestmark = [
    # ibis 12 still uses what DuckDB 2 and pandas 3 deprecate
    pytest.mark.filterwarnings("ignore:fetch_arrow_table\\(\\) is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option is deprecated"),
    # PySpark 4.3 works with pandas 3 as far as it is used here, which is hardly
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

NAN, INF = float("nan"), float("inf")
DAY, LAST = dt.date(2024, 2, 29), dt.date(9999, 12, 31)
END = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)
NOON, HALF = dt.datetime(2024, 2, 29, 12), dt.datetime(2024, 2, 29, 12, 0, 0, 500_000)
FIRST = dt.datetime(1, 1, 1)
BIG = 2**62

# eight rows with a trap each
KEY = "the \"key\" 'n'"
QUOTED = 'it\'s \\ "q"'
ROWS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "id": (pa.int64(), [1, 2, 2, None, 5, None, BIG, -BIG]),
    "month": (pa.int32(), [1, 1, 1, 1, 2, 1, None, 3]),
    "x": (pa.float64(), [0.0, -0.0, NAN, None, INF, -INF, 1.5, 10.0]),
    "single": (pa.float32(), [0.1, 0.1, -0.0, 0.0, NAN, None, 1e16, 2.5]),
    "huge": (pa.uint64(), [2**64 - 1, 2**64 - 1, 2**63, 2, 3, 4, 5, None]),
    "price": (pa.decimal128(10, 2), [*map(Decimal, ("1.50", "1.50", "0.10", "2.00", "-3.25", "0.00", "9.99")), None]),
    "name": (pa.string(), ["", "a", "A", "né", "a", None, QUOTED, "two\nlines"]),
    KEY: (pa.string(), ["k1", "k2", "k1", None, "k3", None, "k4", "k5"]),
    "code": (pa.string(), ["AB1", "ab1", "XAB1", "AB1\n", "👩\u200d👧e\u0301", "", None, "a\x0bb"]),
    "yes": (pa.bool_(), [True, False, None, True, False, True, True, None]),
    "flag": (pa.int8(), [1, 0, 1, None, 1, 1, 1, None]),
    "day": (pa.date32(), [DAY, LAST, None, DAY, dt.date(1, 1, 1), DAY, dt.date(2024, 3, 1), None]),
    "at": (pa.timestamp("us"), [NOON, HALF, None, NOON, FIRST, END, NOON, None]),
    "zoned": (pa.timestamp("us", tz="Europe/Berlin"), [NOON.replace(tzinfo=dt.UTC), None] * 4),
    "void": (pa.float64(), [None, NAN] * 4),
}
OTHER: dict[str, tuple[pa.DataType, list[Any]]] = {
    "ref": (pa.int32(), [2, 2, None, 7, -7]),
    "ref_x": (pa.float64(), [2.0, NAN, None, 0.0, 1.5]),
    "period": (pa.int64(), [1, 1, 1, None, 3]),
    "word": (pa.string(), ["a", "né", None, "", "zzz"]),
    "on": (pa.date32(), [DAY, None, None, None, None]),
}
KNOWN = [("2", "a"), ("1", ""), ("5", "never")]
TYPES = {
    "id": "int", "month": "int", "x": "float", "single": "float", "huge": "int", "price": "float", "name": "string",
    KEY: "string", "code": "string", "yes": "bool", "flag": "int", "day": "date", "at": "datetime",
    "zoned": "datetime", "void": "float",
}  # fmt: skip


def packed(salt: str, *rows: tuple[str, ...]) -> bytes:
    return keys_file.pack(sorted({plain.key_hash(salt, row) for row in rows}))


def bins(edges: int, **counts: int) -> tuple[int, ...]:
    """``_40=2``: two values in the bin of that number, in all others none."""
    return tuple(counts.get(f"_{index}", 0) for index in range(edges + 1))


# -- what every engine answers, the oracle too -------------------------------------------------------------------------

TESTS: list[tuple[Test, int]] = [
    (Missing("id"), 2),
    (Missing("x"), 2),
    (Missing("single"), 2),
    (Missing("void"), 8),
    (Missing("name"), 1),
    (Missing("yes"), 2),
    (Missing("zoned"), 4),
    (Missing(KEY), 2),
    (Outside("id", 2, 5), 3),
    (Outside("id", 2.5), 4),
    (Outside("id", None, 10**40), 0),
    (Outside("huge", None, 2**64 - 2), 2),
    (Outside("x", 0.0, 1.5), 3),
    (Outside("x", -INF, INF), 0),
    (Outside("x"), 0),
    (Outside("void", 0, 0), 0),
    (Outside("price", 0.1, 2), 3),
    (Outside("day", DAY, DAY), 3),
    (Outside("day", None, NOON), 2),
    (Outside("at", None, DAY), 5),
    (Outside("at", NOON), 1),
    (Outside("zoned", NOON, NOON), 0),
    (Outside("zoned", NOON + dt.timedelta(microseconds=1)), 4),
    (Outside("name", "a", "b"), 5),
    (NotIn("name", ("a", "né", QUOTED)), 3),
    (NotIn("id", (1, 2.0)), 3),
    (NotIn("x", (0,)), 4),
    (NotIn("yes", (True,)), 2),
    (NotIn("day", (DAY,)), 3),
    (NotIn("at", (NOON, HALF)), 2),
    (NotIn("price", (1.5, 2)), 4),
    (NotIn("void", (1.0,)), 0),
    (Matching("code", "AB1"), 3),
    (Matching("code", "^AB1$"), 1),
    (Matching("code", ""), 7),
    (Matching("name", r"\\ \"q"), 1),
    (NotMatching("code", "AB1"), 4),
    (LengthOutside("code", 3, 3), 4),
    (LengthOutside("code", None, 4), 1),
    (LengthOutside("code", 1), 1),
    (LengthOutside("code"), 0),
    (Equal("id", "month"), 1),
    (Equal("yes", "flag"), 4),
    (Equal("x", "void"), 0),
    (Equal("id", "name"), 0),
    (Unequal("id", "month"), 7),
    (Unequal("yes", "flag"), 3),
    (Unequal("x", "void"), 6),
    (Unequal("id", "name"), 7),
    (Unequal("day", "at"), 6),
]
CASES: dict[Question, Answer] = {
    Rows(): 8,
    Count(): 8,
    **{Count(test): rows for test, rows in TESTS},
    # repeats
    Repeats(("id",)): Repeated(2, 1),
    Repeats(("id",), "equal"): Repeated(4, 2),
    Repeats(("id", "month")): Repeated(2, 1),
    Repeats(("id", "month"), "equal"): Repeated(4, 2),
    Repeats(("x",)): Repeated(2, 1),
    Repeats(("x",), "equal"): Repeated(4, 2),
    Repeats(("x", "single", "void"), "equal"): Repeated(4, 2),
    Repeats(("void",)): Repeated(0, 0),
    Repeats(("void",), "equal"): Repeated(8, 1),
    Repeats((KEY,)): Repeated(2, 1),
    Repeats(("at", "day"), "equal"): Repeated(4, 2),
    # shared with another dataset
    Shared(("id",), "other", ("ref",)): Repeated(2, 1),
    Shared(("id",), "other", ("ref",), absent=True): Repeated(4, 4),
    Shared(("id",), "other", ("ref",), "equal"): Repeated(4, 2),
    Shared(("id",), "other", ("ref_x",)): Repeated(2, 1),
    Shared(("id", "month"), "other", ("ref", "period")): Repeated(2, 1),
    Shared(("id", "month"), "other", ("ref", "period"), "equal"): Repeated(4, 2),
    Shared(("name", "id", "month"), "other", ("word", "ref", "period")): Repeated(1, 1),
    Shared(("name", "id", "month"), "other", ("word", "ref", "period"), "equal"): Repeated(2, 2),
    Shared(("name",), "other", ("word",)): Repeated(4, 3),
    Shared(("name",), "other", ("word",), absent=True): Repeated(3, 3),
    Shared(("x",), "other", ("ref_x",)): Repeated(3, 2),
    Shared(("x",), "other", ("ref_x",), "equal"): Repeated(5, 3),
    Shared(("day",), "other", ("on",)): Repeated(3, 1),
    # hashes of keys
    Known(("id", "name"), "pepper", "keys"): 2,
    Hashes(("id", "name"), "pepper"): packed(
        "pepper", ("1", ""), ("2", "a"), ("2", "A"), ("5", "a"), (str(BIG), QUOTED), (str(-BIG), "two\nlines")
    ),
    Hashes(("x",), "salt"): packed("salt", ("0.0",), ("inf",), ("-inf",), ("1.5",), ("10.0",)),
    Hashes(("day", "at", "yes"), "salt"): packed(
        "salt",
        ("2024-02-29", "2024-02-29 12:00:00", "true"),
        ("9999-12-31", "2024-02-29 12:00:00.5", "false"),
        ("0001-01-01", "0001-01-01 00:00:00", "false"),
        ("2024-02-29", "9999-12-31 23:59:59.999999", "true"),
        ("2024-03-01", "2024-02-29 12:00:00", "true"),
    ),
    # extremes
    Extreme("id", "min"): -BIG,
    Extreme("id", "max"): BIG,
    Extreme("id", "min", -BIG - 1): None,
    Extreme("huge", "max"): 2**64 - 1,
    Extreme("x", "min"): -INF,
    Extreme("x", "max"): INF,
    Extreme("x", "max", 1): 0.0,
    Extreme("price", "min"): -3.25,
    Extreme("name", "min"): "",
    Extreme("name", "max"): "two\nlines",
    Extreme("yes", "min"): False,
    Extreme("day", "min"): dt.date(1, 1, 1),
    Extreme("day", "max"): LAST,
    Extreme("day", "max", NOON): DAY,
    Extreme("at", "min"): FIRST,
    Extreme("at", "max"): END,
    Extreme("at", "max", HALF): HALF,
    Extreme("zoned", "max"): NOON,
    Extreme("void", "max"): None,
    # histograms: edges are hit, of singles too
    Histogram("x", (0.0, 1.5, 10.0)): (3, 1, 1, 1),
    Histogram("x", ()): (6,),
    Histogram("x", tuple(index / 2 for index in range(-40, 40))): bins(80, _0=1, _40=2, _43=1, _60=1, _80=1),
    Histogram("id", (0.0, 2.0, 5.0)): (1, 3, 1, 1),
    Histogram("yes", (0.5,)): (2, 4),
    Histogram("single", (0.1, 0.10000000149011612)): (2, 2, 2),
    Histogram("price", (0.1, 1.5)): (3, 2, 2),
    Histogram("void", (0.0,)): (0, 0),
    # values as text
    Categories("name", ("a", "", "b", "né")): (2, 1, 0, 1, 3),
    Categories("name", ("a", *(f"no {index}" for index in range(40)))): (2, *[0] * 40, 5),
    Categories("name", ()): (7,),
    Categories("id", ("2", "01", "1")): (2, 0, 1, 3),
    Categories("x", ("0.0", "1.5", "inf", "nan", "0", "-0.0")): (2, 1, 1, 0, 0, 0, 2),
    Categories("x", ("0.0", *(f"{index}" for index in range(40)))): (2, *[0] * 40, 4),
    Categories("price", ("1.50", "1.5", "-3.25", "1e400")): (2, 0, 1, 0, 4),
    Categories("yes", ("true", "false", "1")): (4, 2, 0, 0),
    Categories("day", ("2024-02-29", "today")): (3, 0, 3),
    Categories("at", ("2024-02-29 12:00:00", "2024-02-29 12:00:00.5", "2024-02-29T12:00:00")): (3, 1, 0, 2),
    TopValues("name", 2): (("a", 2), ("", 1)),
    TopValues("id", 2): (("2", 2), (f"{-BIG}", 1)),
    TopValues("x", 9): (("0.0", 2), ("-inf", 1), ("1.5", 1), ("10.0", 1), ("inf", 1)),
    TopValues("price", 1): (("1.50", 2),),
    TopValues("yes", 9): (("true", 4), ("false", 2)),
    TopValues("day", 1): (("2024-02-29", 3),),
    TopValues("at", 1): (("2024-02-29 12:00:00", 3),),
    TopValues("zoned", 9): (("2024-02-29 12:00:00", 4),),
    TopValues("void", 9): (),
    Distinct("id", 9): 5,
    Distinct("id", 2): 3,
    Distinct("x", 9): 5,
    Distinct("single", 9): 4,
    Distinct("name", 6): 6,
    Distinct("void", 9): 0,
    Quantiles("id", (0.0, 0.5, 1.0)): (float(-BIG), 2.0, float(BIG)),
    Quantiles("x", (0.25, 0.75)): (0.0, 10.0),
    Quantiles("yes", (0.25, 0.5)): (0.0, 1.0),
    Quantiles("void", (0.5,)): (),
}
# -- what databases alone answer: SQL, and singles, which Python has not
DATABASE_CASES: dict[Question, Answer] = {
    Count(where="yes"): 4,
    Count(Missing("id"), "yes"): 2,
    Count(Missing("id"), "month = 1 and name <> 'a' -- or so"): 1,
    Count(Outside("id", 2), f'"{KEY.replace(chr(34), chr(34) * 2)}" is not null'): 2,
    Repeats(("month",), where="month is not null and id > 0"): Repeated(3, 1),
    Repeats(("month",), "equal", "id is null or id > 5"): Repeated(2, 1),
    Shared(("id",), "other", ("ref",), where="name = 'a'"): Repeated(1, 1),
    Selected("select * from {data} where id > 1"): 4,
    Selected("select d.id from {data} d join {other} o on d.id = o.ref;"): 4,
    Selected("with q as (select month, count(*) n from {data} group by 1) select * from q where n > 1"): 1,
    Selected("select 1 from {data} where regexp_matches(code, '^[aA].{2}$') or code ~ '^X'"): 4,
    Selected("select 1 from {data} where regexp_matches(code, '^ab', 'i') and regexp_extract(code, '1$') = '1'"): 2,
    Categories("single", ("0.1", "1e+16", "0.0", "2.5", "1")): (2, 1, 2, 1, 0, 0),
    TopValues("single", 9): (("0.0", 2), ("0.1", 2), ("1e+16", 1), ("2.5", 1)),
}


# -- the engines -------------------------------------------------------------------------------------------------------

NATIVE = {
    "TINYINT": "int", "INTEGER": "int", "BIGINT": "int", "UBIGINT": "int", "FLOAT": "float", "DOUBLE": "float",
    "DECIMAL(10,2)": "float", "VARCHAR": "string", "BOOLEAN": "bool", "DATE": "date", "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
}  # fmt: skip
Columns = Mapping[str, tuple[pa.DataType, Sequence[Any]]]


def arrow(columns: Columns) -> pa.Table:
    return pa.table({name: pa.array(values, kind) for name, (kind, values) in columns.items()})


@dataclass
class Engine:
    """Answers questions to the first of some tables, by name."""

    name: str
    answer: Callable[[Sequence[Question]], Mapping[Question, Answer]]
    table: Any = None


def in_python(tables: Mapping[str, pa.Table]) -> Engine:
    lists = {name: table.to_pydict() for name, table in tables.items()}
    keys = {"keys": set(keys_file._numbers(packed("pepper", *KNOWN)))}
    return Engine("plain", lambda asked: {q: plain.answer(lists["data"], q, lists, keys) for q in asked})


def in_duckdb(tables: Mapping[str, pa.Table]) -> Engine:
    """The plan alone, on an open database: quick enough for many small tables."""
    connection = duckdb.connect(":memory:")
    relations = {}
    for name, table in tables.items():
        connection.register("arrow", table)
        natives = {row[0]: row[1] for row in connection.execute("describe arrow").fetchall()}
        connection.execute(f"create table {name} as {without_nan('from arrow', natives)}")
        described = connection.execute(f"describe {name}").fetchall()
        relations[name] = Relation(name, {row[0]: Column(row[0], NATIVE[row[1]], row[1]) for row in described})
    connection.execute("create table keys (h ubigint)")
    connection.executemany("insert into keys values (?)", [[plain.key_hash("pepper", row)] for row in KNOWN])
    scan = Scan(
        lambda sql: connection.execute(sql).fetchall(),
        relations["data"],
        "data.parquet",
        other=relations.__getitem__,
        keys=lambda name: name,
    )
    return Engine("duckdb", scan.answer, scan)


def in_warehouse(tables: Mapping[str, pa.Table], folder: Path, stack: ExitStack) -> Engine:
    """mlci's own way: parquet files, in a sealed database."""
    folder.mkdir()
    paths = {name: folder / f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        pq.write_table(table, paths[name])
    warehouse = stack.enter_context(closing(Warehouse(threads=2, allowed=list(paths.values()), tables=len(paths))))
    keys = {"keys": lambda: keys_file._numbers(packed("pepper", *KNOWN))}

    @cache
    def opened(name: str) -> DuckTable:
        others = {other: partial(opened, other) for other in tables}
        return warehouse.open(name, [paths[name]], "parquet", f"{name}.parquet", others=others, keys=keys)

    table = opened("data")
    return Engine("duckdb", table.answer, table)


def through_ibis(url: str, tables: Mapping[str, pa.Table], folder: Path) -> Engine:
    def opened(name: str) -> RemoteTable:
        others = {other: partial(opened, other) for other in tables}
        keys = {"keys": lambda: keys_file._numbers(packed("pepper", *KNOWN))}
        return open_remote(url, None, [folder / f"{name}.parquet"], "parquet", name, others, keys)

    folder.mkdir()
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    table = opened("data")
    return Engine(url.partition(":")[0], table.answer, table)


@contextmanager
def session_of_spark() -> Iterator[None]:
    """A session for as long as the tests run; ``pyspark://`` finds it."""
    if not (JAVA_HOME or shutil.which("java")):
        pytest.skip("Spark runs on Java 17 or newer, and there is none here")
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        # tables are small, and no query is asked twice: compiling them well takes longer than they do
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield
    session.stop()


JAVA_HOME = os.environ.get("JAVA_HOME")  # read before the fixtures clear the environment
Maker = Callable[..., Engine]
SPARK = pytest.param("pyspark", marks=pytest.mark.xdist_group("pyspark"))
ALL = ["plain", "duckdb", "ibis", SPARK]


# of the session and parametrised: pytest brings all tests of Spark together, at the end
@pytest.fixture(scope="session")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Makes the engine of a name for tables of columns; sessions are started when they are first needed."""
    with ExitStack() as stack:
        sessions: list[str] = []

        def make_(name: str, **tables: Columns) -> Engine:
            held = {label: arrow(columns) for label, columns in tables.items()}
            if name == "plain":
                return in_python(held)
            if name == "duckdb":
                return in_warehouse(held, tmp_path_factory.mktemp(name) / "tables", stack)
            if name == "pyspark" and not sessions:
                stack.enter_context(session_of_spark())
                sessions.append(name)
            url = {"ibis": "duckdb://", "pyspark": "pyspark://"}[name]
            return through_ibis(url, held, tmp_path_factory.mktemp(name) / "tables")

        yield make_


@pytest.fixture(scope="session", params=ALL)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def engine(name: str, make: Maker) -> Engine:
    """An engine with the rows of traps."""
    return make(name, data=ROWS, other=OTHER)


@pytest.fixture(scope="session", params=["plain", "duckdb", "ibis"])
def quick(request: pytest.FixtureRequest, make: Maker) -> Engine:
    """The same without Spark, for what no database is asked."""
    return make(request.param, data=ROWS, other=OTHER)


def wrong(answers: Mapping[Question, Answer], expected: Mapping[Question, Answer]) -> dict[Question, str]:
    """What is not as it should be; a number of another type is not."""

    def typed(answer: Any) -> Any:
        return type(answer), answer, [type(part) for part in answer] if isinstance(answer, tuple) else ()

    return {q: f"{answers[q]!r}, expected {e!r}" for q, e in expected.items() if typed(answers[q]) != typed(e)}


# -- one suite ---------------------------------------------------------------------------------------------------------


def test_every_question_has_the_same_answer_in_every_engine(engine: Engine) -> None:
    assert wrong(engine.answer(list(CASES)), CASES) == {}


def test_databases_read_the_sql_of_manifests_alike(engine: Engine) -> None:
    if engine.table is None:
        for question in DATABASE_CASES:
            if not isinstance(question, Categories | TopValues):
                with pytest.raises(UsageError, match="SQL"):
                    engine.answer([question])
    else:
        assert wrong(engine.answer(list(DATABASE_CASES)), DATABASE_CASES) == {}


NOTHING: dict[Question, Answer] = {
    Rows(): 0,
    Count(): 0,
    Count(Missing("x")): 0,
    Count(Outside("x", 0)): 0,
    Count(NotIn("name", ("a",))): 0,
    Repeats(("x", "name"), "equal"): Repeated(0, 0),
    Shared(("name",), "other", ("word",), absent=True): Repeated(0, 0),
    Extreme("x", "min"): None,
    Extreme("name", "max"): None,
    Histogram("x", (0.0,)): (0, 0),
    Categories("name", ("", "a")): (0, 0, 0),
    TopValues("name", 3): (),
    Distinct("name", 3): 0,
    Quantiles("x", (0.5,)): (),
    Hashes(("x",), "salt"): b"",
}


def test_a_table_without_rows_has_an_answer_to_everything(name: str, make: Maker) -> None:
    empty = make(name, data={"x": (pa.float64(), []), "name": (pa.string(), [])}, other=OTHER)
    assert wrong(empty.answer(list(NOTHING)), NOTHING) == {}


PATTERNS = [
    "", "a", "^a", "a$", "^$", "$", r"^a\z", "a.b", "^.$", "^..$", r"\s", r"^\S+$", r"[\s]", r"[^\s]", r"\w",
    r"[^\w]$", r"\d", r"\bb\b", "[[:alpha:]]", "[[:digit:][:punct:]]", "[a&&b]", "[]x]", "[^]x]", "[[]",
    "a{2}", "a{1,}b?", "{", "a{,2}",
    "(?i)^AB", "(?s)a.b", "(?m)^b$", "(?P<the_name>a)b", r"\x{62}", r"\x61", r"\.", r"\\", "'", '"', "é", "^[a-zé]+$",
    "(a|b)+c", "a??b", r"\t", r"\v", r"[\v]", "#", " ",
]  # fmt: skip
TEXTS = [
    "", "a", "b", "ab", "aab", "abc", "AB", "a\n", "a\nb", "\nb", "a\r", "a\rb", "a\u2028b", "a\u0085b", "a\x0bb",
    "\t", " ", "a b", "é", "É", "näh", "\u0661", "_", "-", "&", "a&&b", "]x", "[", "x", "{", "a{,2}", "}", "'", '"',
    "\\", "\\d", ".", "#", "1", "a1",
    "👩", "e\u0301", "a\x1cb", "a\u00a0b",
]  # fmt: skip


def test_patterns_find_the_same_in_every_engine_as_in_re2(name: str, make: Maker) -> None:
    engine = make(name, data={"n": (pa.int64(), list(range(len(TEXTS)))), "text": (pa.string(), TEXTS)})

    def found(pattern: str) -> int:
        return sum(duckdb.execute("select regexp_matches(?, ?)", [text, pattern]).fetchall()[0][0] for text in TEXTS)

    expected = {Count(Matching("text", pattern)): found(pattern) for pattern in PATTERNS}
    assert wrong(engine.answer(list(expected)), expected) == {}


def test_a_rank_is_that_of_the_share_as_it_is_written(name: str, make: Maker) -> None:
    # as doubles, 0.56 * 25 is a little more than 14, and 0.07 * 100 a little more than 7
    expected: dict[Question, Answer] = {
        Quantiles("n25", (0.56, 1.0)): (14.0, 25.0),
        Quantiles("n100", (0.07, 0.57)): (7.0, 57.0),
        Quantiles("n3", (0.0, 1 / 3, 0.34)): (1.0, 1.0, 2.0),
    }
    columns = {f"n{n}": (pa.int64(), [(7 * index) % 100 + 1 for index in range(100)]) for n in (25, 100, 3)}
    few = {key: (kind, [v if v <= int(key[1:]) else None for v in values]) for key, (kind, values) in columns.items()}
    assert wrong(make(name, data=few).answer(list(expected)), expected) == {}


def test_quantiles_of_very_many_rows_are_those_of_a_sample_that_stays_the_same(name: str, make: Maker) -> None:
    question = Quantiles("n", (0.1, 0.5, 0.9), exact=1000)
    engine = make(name, data={"n": (pa.float64(), [float(index * 7919 % 10_007) for index in range(10_007)])})
    found = engine.answer([question])[question]
    assert isinstance(found, tuple)
    assert all(value in range(10_007) for value in found)
    assert found == pytest.approx([1000, 5000, 9000], abs=1000)  # six standard errors of the median of 1000
    assert engine.answer([question])[question] == found


# -- engines against the oracle, on tables of any content --------------------------------------------------------------

NUMBERS = [None, NAN, INF, -INF, 0.0, -0.0, 1.0, 1.5, 2.0, float(2**53)]
WORDS = [None, "", "a", "A", "é", "a b", "0", "1.0"]
cells = st.fixed_dictionaries(
    {
        "i": st.sampled_from([None, 0, 1, 2, -(2**63), 2**63 - 1]),
        "f": st.sampled_from(NUMBERS),
        "s": st.sampled_from(WORDS),
        "b": st.sampled_from([None, True, False]),
        "d": st.sampled_from([None, DAY, LAST]),
        "t": st.sampled_from([None, NOON, HALF, FIRST]),
    }
)
KINDS = {
    "i": pa.int64(),
    "f": pa.float64(),
    "s": pa.string(),
    "b": pa.bool_(),
    "d": pa.date32(),
    "t": pa.timestamp("us"),
}
VALUES: dict[str, list[Value]] = {
    "i": [0, 1, 2**63 - 1, 1.5], "f": [0, 1.5, INF], "s": ["", "a", "é"], "b": [True, False],
    "d": [DAY, NOON], "t": [NOON, DAY],
}  # fmt: skip
column = st.sampled_from(list(KINDS))
several = st.lists(column, min_size=1, max_size=4, unique=True).map(tuple)
nulls = st.sampled_from(["apart", "equal"])


def of_one_row(name: str) -> st.SearchStrategy[Test]:
    value = st.sampled_from(VALUES[name])
    found: list[st.SearchStrategy[Any]] = [
        st.just(Missing(name)),
        st.builds(NotIn, st.just(name), st.lists(value, min_size=1, max_size=3).map(tuple)),
        st.builds(Equal, st.just(name), column),
        st.builds(Unequal, st.just(name), column),
    ]
    if name != "b":
        found.append(st.builds(Outside, st.just(name), st.none() | value, st.none() | value))
    if name == "s":
        found.append(
            st.builds(LengthOutside, st.just(name), st.none() | st.integers(0, 2), st.none() | st.integers(0, 2))
        )
        found.append(st.builds(Matching, st.just(name), st.sampled_from(["^a", "", "[^a]$"])))
    return st.one_of(found)


questions = st.one_of(
    column.flatmap(lambda name: st.builds(Count, of_one_row(name))),
    st.builds(Repeats, several, nulls),
    st.builds(lambda names, how, absent: Shared(names, "other", names, how, absent), several, nulls, st.booleans()),
    st.builds(Extreme, column, st.sampled_from(["min", "max"])),
    st.builds(Histogram, st.sampled_from(["i", "f", "b"]), st.sampled_from([(), (0.0,), (-1.0, 0.0, 1.0, 1.5)])),
    st.builds(
        Categories, column, st.lists(st.sampled_from(["", "0", "0.0", "1.5", "a", "true"]), unique=True).map(tuple)
    ),
    st.builds(TopValues, column, st.integers(1, 3)),
    st.builds(Distinct, column, st.integers(1, 3)),
    st.builds(Quantiles, st.sampled_from(["i", "f", "b"]), st.lists(st.floats(0, 1), max_size=3).map(tuple)),
    st.builds(Hashes, several, st.just("salt")),
)
tables = st.lists(cells, max_size=8).map(
    lambda rows: {name: (kind, [r[name] for r in rows]) for name, kind in KINDS.items()}
)


@given(tables, tables, st.lists(questions, min_size=1, max_size=8))
def test_duckdb_answers_as_plain_python_does(data: Columns, other: Columns, asked: list[Question]) -> None:
    held = {"data": arrow(data), "other": arrow(other)}
    expected = in_python(held).answer(asked)
    assert wrong(in_duckdb(held).answer(asked), expected) == {}


# each example opens files in a database of its own
@settings(max_examples=25)
@given(tables, tables, st.lists(questions, min_size=1, max_size=8))
def test_ibis_answers_as_plain_python_does(
    tmp_path_factory: pytest.TempPathFactory, data: Columns, other: Columns, asked: list[Question]
) -> None:
    held = {"data": arrow(data), "other": arrow(other)}
    expected = in_python(held).answer(asked)
    folder = tmp_path_factory.mktemp("ibis") / "tables"
    assert wrong(through_ibis("duckdb://", held, folder).answer(asked), expected) == {}


# -- the rows that are meant -------------------------------------------------------------------------------------------

SHOWN: list[tuple[RowQuestion, set[tuple[Any, ...]]]] = [
    (Count(Missing("id")), {(None, "né"), (None, None)}),
    (Count(Outside("x", 0, 5), "id > 1"), {("5", "a"), (f"{-BIG}", "two\nlines")} - {(f"{-BIG}", "two\nlines")}),
    (Repeats(("id",)), {("2", "a"), ("2", "A")}),
    (Repeats(("name",), "apart", "month = 1"), set()),
    (Shared(("id",), "other", ("ref",)), {("2", "a"), ("2", "A")}),
    (Shared(("name",), "other", ("word",), absent=True), {("2", "A"), (f"{BIG}", QUOTED), (f"{-BIG}", "two\nlines")}),
    (Known(("id", "name"), "pepper", "keys"), {("1", ""), ("2", "a")}),
    (Selected("select name, 1 as more from {data} where id = 1"), {(None, "")}),
    (Selected("select count(*) as n from {data}"), {(None, None)}),
    (Selected("select * from {data} where id = 1"), {("1", "")}),
]


def test_rows_are_shown_as_text(engine: Engine) -> None:
    if engine.table is not None:
        found = [(question, set(engine.table.sample(question, ["id", "name"], 50))) for question, _ in SHOWN]
        assert found == SHOWN


def test_no_more_rows_are_shown_than_were_asked_for(engine: Engine) -> None:
    if engine.table is not None:
        assert [len(engine.table.sample(question, ["id"], 1)) for question, rows in SHOWN] == [
            bool(r) for _, r in SHOWN
        ]


def test_values_are_shown_as_every_engine_writes_them(engine: Engine) -> None:
    if engine.table is not None:
        shown = engine.table.sample(Count(Outside("id", None, 4)), ["x", "single", "price", "yes", "day", "at"], 9)
        assert set(shown) == {
            ("inf", None, "-3.25", "false", "0001-01-01", "0001-01-01 00:00:00"),
            ("1.5", "1e+16", "9.99", "true", "2024-03-01", "2024-02-29 12:00:00"),
        }


def test_the_query_for_a_person_returns_the_rows_that_were_counted(engine: Engine) -> None:
    if isinstance(engine.table, RemoteTable):
        asked = [question for question, _ in SHOWN if not isinstance(question, Known)]
        backend = engine.table._connection.backend
        counted = []
        for question in asked:
            rows = backend.raw_sql(f"select count(*) as n from ({engine.table.query(question)}) as q")
            counted += [row[0] for row in (rows.collect() if engine.name == "pyspark" else rows.fetchall())]
        answers = engine.answer(asked)
        assert counted == [getattr(answers[q], "rows", answers[q]) for q in asked]


# -- a remote table as a table -----------------------------------------------------------------------------------------


def test_a_remote_table_has_the_columns_of_its_files(engine: Engine) -> None:
    if isinstance(engine.table, RemoteTable):
        assert {column.name: column.type for column in engine.table.columns} == TYPES
        assert engine.table.notes == (f"read by {engine.name} through ibis",)
        assert engine.table.scanned is None
        assert engine.table.rows() == 8
        assert engine.table.nulls(["id", "x", "void"]) == {"id": 2, "x": 2, "void": 8}


def test_a_remote_table_gives_arrays_with_missing_values_as_every_table_has_them(engine: Engine) -> None:
    if isinstance(engine.table, RemoteTable):
        arrays = engine.table.arrays(["id", "month", "x", "name", "yes", "day", "at"])
        assert {name: array.dtype.kind for name, array in arrays.items()} == {
            "id": "f", "month": "f", "x": "f", "name": "O", "yes": "O", "day": "O", "at": "O",
        }  # fmt: skip
        assert arrays["name"].tolist() == ROWS["name"][1]
        assert arrays["yes"].tolist() == ROWS["yes"][1]
        assert arrays["day"].tolist()[:3] == ["2024-02-29", "9999-12-31", None]
        assert arrays["at"].tolist()[:2] == ["2024-02-29 12:00:00", "2024-02-29 12:00:00.5"]
        assert [str(value) for value in arrays["x"]] == ["0.0", "-0.0", "nan", "nan", "inf", "-inf", "1.5", "10.0"]


def test_numbers_without_holes_keep_their_type(name: str, make: Maker) -> None:
    columns: Columns = {"i": (pa.int64(), [1, 2]), "f": (pa.float32(), [0.5, 2.0]), "b": (pa.bool_(), [True, False])}
    table = make(name, data=columns).table
    if isinstance(table, RemoteTable):
        assert {key: (array.dtype.kind, array.tolist()) for key, array in table.arrays(["i", "f", "b"]).items()} == {
            "i": ("i", [1, 2]),
            "f": ("f", [0.5, 2.0]),
            "b": ("b", [True, False]),
        }


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(Count(Outside("nowhere", 1)), id="no-column"),
        pytest.param(Count(Matching("id", "1")), id="pattern-of-numbers"),
        pytest.param(Count(LengthOutside("x", 1)), id="length-of-numbers"),
        pytest.param(Histogram("name", (1.0,)), id="histogram-of-texts"),
        pytest.param(Quantiles("day", (0.5,)), id="quantiles-of-days"),
        pytest.param(Shared(("id",), "other", ("word",)), id="number-in-texts"),
        pytest.param(Repeats(("nowhere",)), id="repeats-of-no-column"),
    ],
)
def test_what_cannot_be_asked_is_an_error_in_every_engine(question: Question, quick: Engine) -> None:
    with pytest.raises(UsageError):
        quick.answer([question])


@pytest.mark.parametrize(
    "question",
    [
        Selected("delete from {data}"),
        Selected("select 1; select 2"),
        Selected("select * from {data} where ("),
        Selected("create table kept as select * from {data}"),
        Selected("copy {data} to 'out.csv'"),
        Selected("attach 'other.duckdb'"),
        Count(where="1 = 1) or (1 = 1"),
        Count(where="1 = 1; drop table data"),
        Count(where="id = 1 group by id"),
        Count(where="select 1"),
        Count(where="id, name"),
    ],
    ids=lambda question: getattr(question, "sql", "") or question.where,
)
def test_sql_that_is_more_than_a_question_is_refused_by_every_engine(question: Question, quick: Engine) -> None:
    with pytest.raises(UsageError):
        quick.answer([question])


def test_a_dataset_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    alone = through_ibis("duckdb://", {"data": arrow(ROWS)}, tmp_path / "tables")
    with pytest.raises(UsageError, match="there is no dataset `other`"):
        alone.answer([Shared(("id",), "other", ("ref",))])


def test_rows_of_another_connection_are_not_compared(tmp_path: Path) -> None:
    file = tmp_path / "other.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table other as select 1 as ref")
    elsewhere = open_remote(f"duckdb://{file}", "other", [], "", "other")
    pq.write_table(arrow(ROWS), tmp_path / "rows.parquet")
    table = open_remote("duckdb://", None, [tmp_path / "rows.parquet"], "parquet", "rows", {"other": lambda: elsewhere})
    with pytest.raises(UsageError, match="`other` is not in the database of `rows`") as raised:
        table.answer([Shared(("id",), "other", ("ref",))])
    assert raised.value.hint == "give both datasets the same connection"


def test_tables_of_one_database_are_compared_with_each_other(tmp_path: Path) -> None:
    file = tmp_path / "loans.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema raw; create table raw.loans as select i % 4 as customer from range(8) t(i)")
        connection.execute("create table customers as select i as id from range(3) t(i)")
    url = f"duckdb://{file}"
    customers = open_remote(url, "customers", [], "", "customers")
    loans = open_remote(url, "raw.loans", [], "", "loans", {"customers": lambda: customers})
    question = Shared(("customer",), "customers", ("id",), absent=True)
    assert loans.answer([question]) == {question: Repeated(2, 1)}
    assert "semi" in loans.query(Shared(("customer",), "customers", ("id",))).lower()
    loans.close()
    customers.close()


def test_a_database_without_nan_and_without_seeds_answers_as_well(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("create table data (n real, s text)")
        rows = [(float(index * 7919 % 10_007), f"w{index % 5}" if index % 7 else None) for index in range(10_007)]
        connection.executemany("insert into data values (?, ?)", rows)
        connection.commit()
    lists = {"n": [n for n, _ in rows], "s": [s for _, s in rows]}
    asked: list[Question] = [
        Count(Missing("s")), Count(Matching("s", "^w[12]$")), Repeats(("s",), "equal"), TopValues("s", 2),
        Histogram("n", (10.0, 5000.0)), Quantiles("n", (0.1, 0.9)), Hashes(("s",), "salt"),
    ]  # fmt: skip
    table = open_remote(f"sqlite://{tmp_path}/some.db", "data", [], "", "some")
    assert wrong(table.answer(asked), {question: plain.answer(lists, question) for question in asked}) == {}
    few = Quantiles("n", (0.1, 0.5, 0.9), exact=1000)
    # every eleventh of the sorted values
    assert table.answer([few])[few] == pytest.approx((1000, 5003, 9006), abs=11)
    table.close()


def test_a_year_after_9999_is_shown_and_no_moment(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "far.duckdb")) as connection:
        connection.execute(
            "create table far as select timestamp '12024-01-01 10:00:00' as at, '12024-01-01'::date as day"
        )
    table = open_remote(f"duckdb://{tmp_path}/far.duckdb", "far", [], "", "far")
    assert table.sample(Rows(), ["at", "day"], 1) == [("12024-01-01 10:00:00", "12024-01-01")]
    for name in ("at", "day"):
        with pytest.raises(UsageError, match=r"'12024-01-01.*' is no moment between the years 1 and 9999"):
            table.answer([Extreme(name, "max")])
    table.close()


def test_csv_files_are_read_by_the_engine_of_the_database(engine: Engine, tmp_path: Path) -> None:
    if isinstance(engine.table, RemoteTable):
        for index in (1, 2):
            (tmp_path / f"{index}.csv").write_text(f'id,text\n{index},"a ""quoted"", text"\n{index + 1},\n')
        url = engine.table.source.url
        both = open_remote(url, None, [tmp_path / "1.csv", tmp_path / "2.csv"], "text", "two files")
        assert [(column.name, column.type) for column in both.columns] == [("id", "int"), ("text", "string")]
        asked = [Rows(), Repeats(("id",)), Count(NotIn("text", ('a "quoted", text',))), Count(Missing("text"))]
        assert list(both.answer(asked).values()) == [4, Repeated(2, 1), 0, 2]


@pytest.mark.parametrize(
    ("url", "table", "error", "message"),
    [
        ("duckdb://", "nowhere", DatabaseFailed, "`loans`: TableNotFound: nowhere"),
        ("duckdb:///no/such/folder/x.duckdb", "t", DatabaseFailed, "`loans`: IOException: IO Error: Cannot open file"),
        ("nosuch://bob:secret@here/x", "t", UsageError, "`loans` cannot be reached: its connection is no address that"),
        ("", "t", UsageError, "`loans` cannot be reached: its connection is no address that ibis knows"),
        ("bigquery://acme/loans", "t", UsageError, "`loans` cannot be reached: bigquery is not installed"),
    ],
)
def test_a_table_that_cannot_be_reached_says_so_in_one_line(
    url: str, table: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        open_remote(url, table, [], "", "loans")
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_file_that_cannot_be_read_says_so(engine: Engine, tmp_path: Path) -> None:
    if isinstance(engine.table, RemoteTable):
        (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing more")
        with pytest.raises(DatabaseFailed, match=r"^`bad`: ") as raised:
            open_remote(engine.table.source.url, None, [tmp_path / "bad.parquet"], "parquet", "bad").rows()
        assert "\n" not in str(raised.value)


def test_a_kind_of_file_that_databases_do_not_read_is_refused() -> None:
    with pytest.raises(UsageError, match="`loans` is arrow, and a database reads parquet, text, json-lines"):
        open_remote("duckdb://", None, [Path("loans.arrow")], "arrow", "loans")


def test_without_ibis_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(MissingExtra) as raised:
        open_remote("duckdb://", "t", [], "", "loans")
    assert raised.value.extra == "remote"


@pytest.mark.parametrize(
    ("message", "url", "shown"),
    [
        ("no way to bob:s3cret@db", "postgres://bob:s3cret@db/x", "no way to ***@db"),
        ("password s3cret is wrong", "postgres://bob:s3cret@db/x", "password *** is wrong"),
        ("user bob", "postgres://bob@db/x", "user ***"),
        ("p%40ss and p@ss", "postgres://bob:p%40ss@db/x", "*** and ***"),
        ("a token T0K", "databricks://h/?access_token=T0K&http_path=/x", "a token ***"),
        ("went to mysql://eve:pw@elsewhere", "duckdb://", "went to mysql://***@elsewhere"),
        ("no table `loans`", "duckdb:///data/x.duckdb", "no table `loans`"),
    ],
)
def test_no_message_tells_what_opens_a_database(message: str, url: str, shown: str) -> None:
    assert masked(message, url) == shown


# -- parts -------------------------------------------------------------------------------------------------------------


def test_a_key_has_the_same_hash_for_ever() -> None:
    # the MD5 of "abc" and of "salt2:ab1:c" by md5sum, their last eight bytes as a little-endian number
    assert plain.key_hash("abc", []) == int.from_bytes(bytes.fromhex("d6963f7d28e17f72"), "little")
    assert plain.key_hash("salt", ["ab", "c"]) != plain.key_hash("salt", ["a", "bc"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (0, "0"), (-0.0, "0.0"), (1e16, "1e+16"), (-INF, "-inf"), (Decimal("1.50"), "1.50"),
        (Decimal("1E+2"), "100"), (DAY, "2024-02-29"), (NOON, "2024-02-29 12:00:00"), (HALF, "2024-02-29 12:00:00.5"),
        (dt.datetime(2024, 2, 29, 13, tzinfo=dt.timezone(dt.timedelta(hours=1))), "2024-02-29 12:00:00"), ("é", "é"),
    ],
)  # fmt: skip
def test_a_value_has_one_text(value: Any, text: str) -> None:
    assert plain.text(value) == text


def test_a_pattern_that_python_cannot_read_is_an_error_of_the_oracle() -> None:
    with pytest.raises(UsageError, match="Python cannot read the pattern"):
        plain.answer({"s": ["a"]}, Count(Matching("s", r"\p{Greek}")))
    assert python("a$").search("a\n") is None


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select * from {data} join {data-2} using (a)", ["data", "data-2"]),
        ("select {'a': 1}, regexp_matches(b, 'x{2}y{1,3}z{2,}') from {data}", ["data"]),
        ("select 1", []),
    ],
)
def test_braces_name_datasets_and_nothing_else(sql: str, names: list[str]) -> None:
    assert user_sql.braces(sql) == names


@pytest.mark.parametrize(
    ("where", "engine", "dialect"),
    [
        ("json_extract(a, '$.x[*]') is null", "postgres", "postgres"),
        ("regexp_replace(a, 'b', 'c') = 'c'", "pyspark", "spark"),
        ("regexp_matches(a, b)", "pyspark", "spark"),
        ("regexp_matches(a, 'b', 'l')", "snowflake", "snowflake"),
    ],
)
def test_what_a_database_cannot_say_is_refused_and_not_left_out(where: str, engine: str, dialect: str) -> None:
    tree = user_sql.condition(where, "held")
    assert user_sql.written(tree, "duckdb", "duckdb")
    with pytest.raises(UsageError, match=f"{engine}"):
        user_sql.written(tree, dialect, engine)


@pytest.mark.parametrize(
    ("engine", "dialect", "sql"),
    [
        ("duckdb", "duckdb", "REGEXP_MATCHES(a, 'b$', 'i')"),
        ("snowflake", "snowflake", "REGEXP_LIKE(a, '(?s).*((?i)b$).*')"),
        ("bigquery", "bigquery", "REGEXP_CONTAINS(a, '(?i)b$')"),
        ("pyspark", "spark", r"a RLIKE '(?du)(?i)b\\z'"),
    ],
)
def test_patterns_in_sql_are_searched_for_in_every_database(engine: str, dialect: str, sql: str) -> None:
    written = user_sql.written(user_sql.condition("regexp_matches(a, 'b$', 'i')", "held"), dialect, engine)
    assert sql in written
