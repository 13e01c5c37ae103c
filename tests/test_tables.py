"""Tables from real files: parquet written by pyarrow, CSV written by hand, and what is wrong with either."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import math
import random
import re
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlci.errors import LimitReached, MlciError, UsageError
from mlci.repo import WorkTree
from mlci.tables.duck import DuckTable, UnreadableData, Warehouse, open_table
from mlci.testing import FakeTable, model_from
from mlci.workbench import Workbench
from mlci.world import World

Opener = Callable[..., DuckTable]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens a table of files given by name and content, and closes it in the end."""
    tables: list[DuckTable] = []

    def open_(*bodies: str | bytes | pa.Table, name: str = "data", kind: str = "") -> DuckTable:
        files = []
        for number, body in enumerate(bodies):
            is_table = isinstance(body, pa.Table)
            kind = kind or ("parquet" if is_table else "text")
            path = tmp_path / f"{number}-{name}.{'parquet' if kind == 'parquet' else 'csv'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(body, pa.Table):
                pq.write_table(body, path)
            else:
                path.write_bytes(body.encode() if isinstance(body, str) else body)
            files.append(path)
        tables.append(open_table(files, kind, name, threads=2))
        return tables[-1]

    yield open_
    for table in tables:
        table.close()


def types(table: DuckTable) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def values(table: DuckTable) -> dict[str, list[Any]]:
    return {name: array.tolist() for name, array in table.arrays(list(types(table))).items()}


def same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Equal, NaN to NaN."""
    return len(left) == len(right) and all(a == b or (a != a and b != b) for a, b in zip(left, right, strict=True))


# Types ----------------------------------------------------------------------------------------------------------

NAN = float("nan")
DAY, MOMENT = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 5, 6)


@pytest.mark.parametrize(
    ("column", "type_", "read"),
    [
        (pa.array([1, None, 3], pa.int8()), "int", [1.0, NAN, 3.0]),
        (pa.array([1, 2, 2**63], pa.uint64()), "int", [1, 2, 2**63]),
        (pa.array([2**53 + 1, 0, -1], pa.int64()), "int", [2**53 + 1, 0, -1]),
        (pa.array([1.5, NAN, None], pa.float32()), "float", [1.5, NAN, NAN]),
        (pa.array([1.5, math.inf, -math.inf]), "float", [1.5, math.inf, -math.inf]),
        (pa.array([Decimal("1.25"), None, Decimal("-2.50")]), "float", [1.25, NAN, -2.5]),
        (pa.array(["a", None, ""]), "string", ["a", None, ""]),
        (pa.array(["x", None, "y"]).dictionary_encode(), "string", ["x", None, "y"]),
        (pa.array([uuid.UUID(int=7).bytes] * 3, pa.uuid()), "string", [str(uuid.UUID(int=7))] * 3),
        (pa.array([True, None, False]), "bool", [True, None, False]),
        (pa.array([True, True, False]), "bool", [True, True, False]),
        (pa.array([DAY, None, DAY]), "date", ["2024-02-29", None, "2024-02-29"]),
        (pa.array([MOMENT, None, MOMENT]), "datetime", ["2024-02-29 13:05:06", None, "2024-02-29 13:05:06"]),
        (
            pa.array([MOMENT.replace(tzinfo=dt.UTC)] * 3, pa.timestamp("us", "UTC")),
            "datetime",
            ["2024-02-29 13:05:06+00"] * 3,
        ),
        (pa.array([[1, 2], None, []]), "other", ["[1, 2]", None, "[]"]),
        (pa.array([{"a": 1}, None, {"a": 2}]), "other", ["{'a': 1}", None, "{'a': 2}"]),
        (pa.nulls(3), "other", [None, None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_a_column_of_parquet_keeps_its_type_and_its_values(
    opened: Opener, column: pa.Array, type_: str, read: list[Any]
) -> None:
    table = opened(pa.table({"c": column}))
    assert types(table) == {"c": type_}
    assert same(values(table)["c"], read)
    assert table.nulls(["c"]) == {"c": sum(1 for value in read if value is None or value != value)}
    assert table.rows() == 3


@pytest.mark.parametrize(
    ("text", "type_", "read"),
    [
        ("1\n-2\n", "int", [1, -2]),
        ("99999999999999999999\n1\n", "int", [1e20, 1.0]),
        ("1\n2.5\n", "float", [1.0, 2.5]),
        ("nan\n-inf\n1e3\n", "float", [NAN, -math.inf, 1000.0]),
        ("true\nFALSE\n", "bool", [True, False]),
        ("2024-02-29\n2023-01-01\n", "date", ["2024-02-29", "2023-01-01"]),
        ("2024-02-29 10:00:00\n2024-02-29T11:00:00\n", "datetime", ["2024-02-29 10:00:00", "2024-02-29 11:00:00"]),
        ("31/01/2024\n01/02/2024\n", "date", ["2024-01-31", "2024-02-01"]),
        ("00123\n04567\n", "string", ["00123", "04567"]),
        ("Yes\nNo\n", "string", ["Yes", "No"]),
        ("t\nf\n", "string", ["t", "f"]),
        ("true\nyes\n", "string", ["true", "yes"]),
        ("NA\n3\n", "string", ["NA", "3"]),
        ("#fff\n#000\n", "string", ["#fff", "#000"]),
        ('5" pipe\nplain\n', "string", ['5" pipe', "plain"]),
    ],
    ids=lambda value: value.replace("\n", " ") if isinstance(value, str) else None,
)
def test_a_column_of_csv_is_what_its_text_says(opened: Opener, text: str, type_: str, read: list[Any]) -> None:
    rows = [f"{line},{number}" for number, line in enumerate(text.splitlines())]
    table = opened("c,n\n" + "\n".join(rows) + "\n")
    assert types(table) == {"c": type_, "n": "int"}
    assert same(values(table)["c"], read)


def test_an_empty_field_is_missing_in_every_type(opened: Opener) -> None:
    table = opened("n,x,s,b,d,y\n1,1.5,a,true,2024-01-01,yes\n,,,,,\n")
    assert types(table) == {"n": "int", "x": "float", "s": "string", "b": "bool", "d": "date", "y": "string"}
    assert table.nulls(["n", "x", "s", "b", "d", "y"]) == dict.fromkeys("nxsbdy", 1)
    last = {name: column[1] for name, column in values(table).items()}
    assert [math.isnan(last[name]) for name in "nx"] == [True, True]
    assert [last[name] for name in "sbdy"] == [None] * 4


def test_a_type_is_told_from_the_whole_file(opened: Opener) -> None:
    table = opened("a\n" + "1\n" * 30_000 + "x\n")
    assert types(table) == {"a": "string"}
    assert table.rows() == 30_001


def test_arrays_have_the_types_that_models_are_fed_with(opened: Opener) -> None:
    arrays = opened("n,x,s,b\n1,1.5,a,true\n2,2.5,b,false\n").arrays(["b", "s", "n", "x"])
    assert {name: array.dtype.kind for name, array in arrays.items()} == {"b": "b", "s": "O", "n": "i", "x": "f"}
    assert all(type(array) is np.ndarray for array in arrays.values())


def test_asking_for_no_column_counts_nothing(opened: Opener) -> None:
    assert opened("a\n1\n").nulls([]) == {}


cells = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.one_of(st.none(), st.integers(-(2**53), 2**53)), st.floats(), cells), min_size=1))
def test_what_pyarrow_wrote_is_what_is_read(tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    columns = {"n": pa.int64(), "x": pa.float64(), "s": pa.string()}
    arrays = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(columns.values())]
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_arrays(arrays, names=list(columns)), path)
    table = open_table([path], "parquet", "rows", threads=1)
    read = values(table)
    nulls = table.nulls(["n", "x", "s"])
    table.close()
    wanted = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    assert same(read["n"], [NAN if value is None else value for value in wanted["n"]])
    assert same(read["x"], wanted["x"])
    assert same(read["s"], wanted["s"])
    assert nulls == {name: sum(1 for v in column if v is None or v != v) for name, column in wanted.items()}


@pytest.mark.parametrize(
    "data",
    [
        {"n": [1, 2], "x": [0.5, None], "s": ["a", None], "b": [True, False]},
        {"n": [1, None], "x": [float("nan"), 1.0], "s": ["a", "b"], "b": [True, None]},
    ],
    ids=["whole", "with holes"],
)
def test_the_fake_table_answers_as_the_real_one(opened: Opener, data: Mapping[str, list[Any]]) -> None:
    real, fake = opened(pa.table(dict(data))), FakeTable(data)
    names = list(data)
    assert [(c.name, c.type) for c in fake.columns] == [(c.name, c.type) for c in real.columns]
    assert fake.rows() == real.rows()
    assert fake.nulls(names) == real.nulls(names)
    left, right = fake.arrays(names), real.arrays(names)
    assert {name: left[name].dtype.kind for name in names} == {name: right[name].dtype.kind for name in names}
    assert all(same(left[name].tolist(), right[name].tolist()) for name in names)


# Forms of CSV ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "a,b\n1,x\n2,y\n",
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        "a|b\n1|x\n2|y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\n1,x\n2,y",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        '"a","b"\n1,"x"\n2,"y"\n',
        "a,b\n1,x\n\n2,y\n",
    ],
    ids=["comma", "semicolon", "tab", "bar", "crlf", "no last newline", "byte-order mark", "quoted", "empty line"],
)
def test_a_csv_file_of_any_usual_form_is_read(opened: Opener, body: str | bytes) -> None:
    assert values(opened(body)) == {"a": [1, 2], "b": ["x", "y"]}


def test_quotes_hold_separators_newlines_and_quotes(opened: Opener) -> None:
    table = opened('a,b\n"x, y","one\ntwo"\n"he said ""no""",z\n')
    assert values(table) == {"a": ["x, y", 'he said "no"'], "b": ["one\ntwo", "z"]}


def test_a_header_alone_is_a_table_without_rows(opened: Opener) -> None:
    table = opened("a,b\n")
    assert list(types(table)) == ["a", "b"]
    assert table.rows() == 0
    assert values(table) == {"a": [], "b": []}


def test_a_header_of_numbers_is_a_header(opened: Opener) -> None:
    assert values(opened("1,2\n3,4\n")) == {"1": [3], "2": [4]}


def test_no_line_is_left_out_in_search_of_a_header(opened: Opener) -> None:
    assert opened("title\na,b\n1,2\n3,4\n").rows() == 3


@pytest.mark.parametrize("name", ['say "x"', "it's", "a b", "a,b", "ä", "select", "a;drop table data", "{more}", "%s"])
def test_a_column_of_any_name_is_asked_for_by_it(opened: Opener, tmp_path: Path, name: str) -> None:
    written = pa.table({name: [True, None], "other": ["yes", "no"]})
    pa_csv.write_csv(written, tmp_path / "t.csv")
    for table in (opened(written), open_table([tmp_path / "t.csv"], "text", "t", threads=1)):
        assert types(table) == {name: "bool", "other": "string"}
        assert table.nulls([name]) == {name: 1}
        assert values(table) == {name: [True, None], "other": ["yes", "no"]}
        table.close()


@pytest.mark.parametrize(
    "name",
    ["we*ird", "a[1]", "[", "]", "what?", "it's", 'say "x"', "a b", "{files}{more}", "ü", "%41", "a;b", "**", "-- x"],
)
def test_a_file_of_any_name_is_that_file_and_no_pattern(opened: Opener, tmp_path: Path, name: str) -> None:
    for stray in ("0-weird.csv", "0-a1.csv", "0-what.csv", "0-whatx.csv", "0-x.csv"):
        (tmp_path / stray).write_text("stray\n9\n")
    assert values(opened("a\n1\n", name=name)) == {"a": [1]}
    assert values(opened(pa.table({"a": [2]}), name=name)) == {"a": [2]}


@pytest.mark.parametrize("body", ["a\n1\n", pa.table({"a": [1]})], ids=["csv", "parquet"])
def test_the_name_of_a_folder_makes_no_column(opened: Opener, body: Any) -> None:
    assert values(opened(body, name="year=2024/part")) == {"a": [1]}


# Several files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bodies", "read"),
    [
        (["a,b\n1,x\n", "a,b\n2,y\n"], {"a": [1, 2], "b": ["x", "y"]}),
        (["a,b\n1,5\n", "b,a\n6,2\n"], {"a": [1, 2], "b": [5, 6]}),
        (["a,b\n1,x\n", "a;b\n2;y\n"], {"a": [1, 2], "b": ["x", "y"]}),
        (["a\n1\n", "a\n2.5\n"], {"a": [1.0, 2.5]}),
        (["a\n1\n", "a\n"], {"a": [1]}),
        (["a\ntrue\n", "a\nfalse\n"], {"a": [True, False]}),
        (["a\nyes\n", "a\nno\n"], {"a": ["yes", "no"]}),
        ([pa.table({"a": [1], "b": ["x"]}), pa.table({"b": ["y"], "a": [2]})], {"a": [1, 2], "b": ["x", "y"]}),
    ],
    ids=[
        "alike",
        "columns in another order",
        "another separator",
        "wider numbers",
        "one empty",
        "bools",
        "yes",
        "parquet",
    ],
)
def test_several_files_are_one_table_in_their_order(opened: Opener, bodies: list[Any], read: dict[str, Any]) -> None:
    assert values(opened(*bodies)) == read


def test_the_order_of_many_rows_is_kept(opened: Opener) -> None:
    parts = [pa.table({"a": list(range(start, start + 50_000))}) for start in (0, 50_000, 100_000)]
    assert values(opened(*parts))["a"] == list(range(150_000))


@pytest.mark.parametrize(
    "bodies",
    [
        ["a,b\n1,2\n", "b\n3\n"],
        ["a\n1\n", "z\n2\n"],
        [pa.table({"a": [1], "b": [2]}), pa.table({"b": [3]})],
    ],
    ids=["a column less", "another column", "parquet"],
)
def test_files_of_different_columns_are_no_table(opened: Opener, bodies: list[Any]) -> None:
    with pytest.raises(UnreadableData, match="differ in the column `a`"):
        opened(*bodies)


def test_parquet_files_of_different_types_are_no_table(opened: Opener) -> None:
    with pytest.raises(UnreadableData, match="differ in the column `a`"):
        opened(pa.table({"a": [1]}), pa.table({"a": ["x"]}))


@pytest.mark.parametrize(
    "bodies",
    [["a,b\n1,2\n", "b,a\n4,3\n"], [pa.table({"a": [1], "b": [2]}), pa.table({"b": [4], "a": [3]})]],
    ids=["csv", "parquet"],
)
def test_columns_of_several_files_are_matched_by_name(opened: Opener, bodies: list[Any]) -> None:
    assert values(opened(*bodies)) == {"a": [1, 3], "b": [2, 4]}


# What is wrong --------------------------------------------------------------------------------------------------


def truncated() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": list(range(10_000))}), sink)
    return sink.getvalue().to_pybytes()[:5000]


@pytest.mark.parametrize(
    ("body", "kind", "said", "hint"),
    [
        ("a,b\n1,2\n3\n4,5\n", "text", "its lines have different numbers of fields", "its first line is `a,b`"),
        ("a,b\n1,2\n3,4,5\n", "text", "its lines have different numbers of fields", "its first line is `a,b`"),
        ("a,b\n1,2,3\n4,5,6\n", "text", "its lines have different numbers of fields", "its first line is `a,b`"),
        ("a;b;c\n1;2\n3;4\n", "text", "its lines have different numbers of fields", "its first line is `a;b;c`"),
        ('a,b\n"x,1\ny,2\n', "text", "a quote in line 2 is never closed", "close it"),
        ("a,b\n1,caf\xe9\n".encode("latin-1"), "text", "line 2: 0xe9 is not UTF-8", "say csv: {encoding: latin-1}"),
        ("a,b\n1,2\n".encode("utf-16"), "text", "line 1: it is UTF-16", "say csv: {encoding: utf-16}"),
        (b"PAR1 and no more", "parquet", "it has no footer", "it was cut off"),
        (truncated(), "parquet", "it has no footer", "it was cut off"),
        (b"a,b\n1,2\n" * 20, "parquet", "it has no footer", "is no parquet file"),
    ],
    ids=[
        "a field less", "a field more", "more than the header", "less than the header", "an open quote", "latin-1",
        "utf-16", "a few bytes of parquet", "half a parquet file", "no parquet file",
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_named_with_a_cure(
    opened: Opener, tmp_path: Path, body: Any, kind: str, said: str, hint: str
) -> None:
    with pytest.raises(UnreadableData) as caught:
        opened(body, kind=kind, name="sub folder/data")
    error = caught.value
    assert error.code == "data"
    assert error.message.startswith("`sub folder/data` cannot be read: ")
    assert said in error.message
    assert hint in error.hint
    assert not re.search(r"(?<![\w.)\]])/\w", error.message), "no place on this machine"
    assert str(tmp_path) not in error.message + error.hint


def bench(root: Path, pattern: str, files: Mapping[str, bytes]) -> Workbench:
    for name, body in files.items():
        (root / name).write_bytes(body)
    data = {"d": {"path": pattern, "target": "y"}}
    model = model_from({"version": 1, "name": "m", "artifact": "m.csv", "datasets": data, "checks": ["artifact"]})
    return Workbench(model, WorkTree(root), World(root, {}))


@pytest.mark.parametrize(
    ("pattern", "files", "said"),
    [
        ("d.csv.gz", {"d.csv.gz": gzip.compress(b"a\n" + b"1\n" * 5_000_000)}, "`d.csv.gz` is a compressed file"),
        ("d.csv", {"d.csv": gzip.compress(b"a\n" + b"1\n" * 5_000_000)}, "`d.csv` is a compressed file"),
        ("d.csv", {"d.csv": b"<html>\n"}, "`d.csv` is an HTML page"),
        ("d.csv", {"d.csv": b""}, "`d.csv` is an empty file, expected a table"),
        ("d.csv", {"d.csv": b"a,b\n1,\xe9\n" + b"2,x\n" * 9}, "`d.csv` cannot be read: line 2: 0xe9 is not UTF-8"),
        ("d.csv", {"d.csv": b"\x01\x02\x03" * 9}, "`d.csv` is content that mlci does not know, expected a table"),
        ("d.csv", {"d.csv": b"cos\nsystem\n(S'true'\ntR."}, "`d.csv` is a pickle"),
        ("d.parquet", {"d.parquet": b"version https://git-lfs.github.com/spec/v1\n"}, "is a Git LFS pointer"),
        ("d.*", {"d.csv": b"a\n1\n", "d.parquet": b"PAR1"}, "`d.*` names files of two formats"),
        ("nothing-*.csv", {}, "`nothing-*.csv` is not there"),
    ],
    ids=["gz", "gz by content", "html", "empty", "latin-1", "bytes", "pickle", "lfs", "two formats", "no match"],
)
def test_content_that_is_no_table_is_never_opened_as_one(
    tmp_path: Path, pattern: str, files: dict[str, bytes], said: str
) -> None:
    desk = bench(tmp_path, pattern, files)
    with pytest.raises(MlciError) as caught:
        desk.table("d")
    assert said in caught.value.message
    assert caught.value.hint
    desk.close()


def test_what_a_file_holds_decides_and_not_how_it_is_named(tmp_path: Path) -> None:
    desk = bench(tmp_path, "d.csv.gz", {"d.csv.gz": b"a\n1\n"})
    table = desk.table("d")
    assert (table.rows(), table.notes) == (1, ("`d.csv.gz` is named `.gz` and read as what it is: text",))
    desk.close()


def test_a_line_that_begins_with_a_hash_is_a_row_like_any_other(opened: Opener) -> None:
    assert values(opened("a,b\n1,2\n#3,4\n5,6\n")) == {"a": ["1", "#3", "5"], "b": [2, 4, 6]}


def test_a_null_in_a_file_does_not_make_a_column_of_another_file_text(opened: Opener) -> None:
    assert values(opened("a,b\n1,\n", "a,b\n2,7\n"))["b"][1] == 7
    assert types(opened("a,b\n1,\n", "a,b\n2,7\n")) == {"a": "int", "b": "int"}


@pytest.mark.parametrize(
    ("bodies", "type_", "read"),
    [
        (["a\n31/01/2024\n", "a\n2024-02-29\n"], "date", ["2024-01-31", "2024-02-29"]),
        (["a\n2024-01-31\n", "a\n2024-02-29 10:00:00\n"], "datetime", ["2024-01-31 00:00:00", "2024-02-29 10:00:00"]),
        (["a\n007\n", "a\nx\n"], "string", ["007", "x"]),
        (["a\n1\n", "a\n99999999999999999999\n", "a\n0.5\n"], "float", [1.0, 1e20, 0.5]),
        (["a\ntrue\n", "a\nyes\n"], "string", ["true", "yes"]),
        (["a,b\n,\n", "a,b\n"], "string", [None]),
    ],
    ids=["dates as each file writes them", "days and moments", "codes", "numbers", "answers", "nothing"],
)
def test_a_column_has_the_type_that_holds_the_values_of_every_file(
    opened: Opener, bodies: list[str], type_: str, read: list[Any]
) -> None:
    table = opened(*bodies)
    assert types(table)["a"] == type_
    assert values(table)["a"] == read


# Other formats --------------------------------------------------------------------------------------------------

Maker = Callable[..., DuckTable]


@pytest.fixture
def warehoused(tmp_path: Path) -> Iterator[Maker]:
    """Opens files of one warehouse each, by name and content."""
    made: list[Warehouse] = []

    def open_(kind: str, files: Mapping[str, bytes] | None = None, **options: Any) -> DuckTable:
        paths = []
        for name, body in (files or {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            paths.append(path)
        paths = options.pop("paths", paths)
        label = options.pop("label", paths[0].name)
        made.append(Warehouse(threads=options.pop("threads", 2), memory=options.pop("memory", None), allowed=paths))
        return made[-1].open("d", paths, kind, label, **options)

    yield open_
    for warehouse in made:
        warehouse.close()


def lines(*rows: Mapping[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_json_lines_are_a_table_of_their_keys(warehoused: Maker) -> None:
    rows = [{"n": 1, "x": 0.5, "s": "yes", "b": True, "d": "2024-02-29", "l": [1], "e": None}, {"n": 2, "s": "no"}]
    table = warehoused("json-lines", {"d.jsonl": lines(*rows)})
    assert types(table) == {
        "n": "int", "x": "float", "s": "string", "b": "bool", "d": "date", "l": "other", "e": "string",
    }  # fmt: skip
    assert values(table)["s"] == ["yes", "no"]
    assert table.nulls(["n", "x", "l", "e"]) == {"n": 0, "x": 1, "l": 1, "e": 2}


def test_a_key_that_only_the_last_of_many_lines_has_is_a_column(warehoused: Maker) -> None:
    body = lines(*({"a": i} for i in range(30_000)), {"a": 0.5, "late": "x"})
    assert types(warehoused("json-lines", {"d.jsonl": body})) == {"a": "float", "late": "string"}


def test_json_lines_of_several_files_are_one_table(warehoused: Maker) -> None:
    files = {"a.jsonl": lines({"a": 1}), "b.jsonl": b"\xef\xbb\xbf" + lines({"b": "x", "a": 2})}
    table = warehoused("json-lines", files)
    assert values(table) == {"a": [1, 2], "b": [None, "x"]}


def test_a_json_line_that_is_longer_than_what_a_kind_is_told_from_is_read(warehoused: Maker) -> None:
    table = warehoused("json", {"d.json": lines({"a": "x" * 600}, {"a": "y"})})
    assert [len(value) for value in values(table)["a"]] == [600, 1]


def arrow(table: pa.Table, *, stream: bool = False, compression: str | None = None, batch: int = 1000) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa_ipc.IpcWriteOptions(compression=compression)
    with (pa_ipc.new_stream if stream else pa_ipc.new_file)(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=batch)
    return bytes(sink.getvalue().to_pybytes())


MIXED = pa.table(
    {
        "n": pa.array([1, None, 2**53 + 1]),
        "x": [0.5, NAN, None],
        "s": ["a", None, "b"],
        "b": [True, None, False],
        "d": pa.array([DAY, None, DAY]),
        "t": pa.array([MOMENT, None, MOMENT]),
        "c": pa.array(["x", "y", None]).dictionary_encode(),
        "u": pa.array([uuid.UUID(int=7).bytes] * 3, pa.uuid()),
        "e": pa.nulls(3),
        "l": [[1, 2], None, []],
    }
)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_arrow_is_read_as_parquet_is(warehoused: Maker, opened: Opener, stream: bool, compression: str | None) -> None:
    body = arrow(MIXED, stream=stream, compression=compression, batch=2)
    table = warehoused("arrow-stream" if stream else "arrow", {"d.arrow": body})
    assert types(table) == {
        "n": "int", "x": "float", "s": "string", "b": "bool", "d": "date", "t": "datetime", "c": "string",
        "u": "string", "e": "string", "l": "other",
    }  # fmt: skip
    written = opened(MIXED)
    assert table.rows() == written.rows()
    assert table.nulls(MIXED.column_names) == written.nulls(MIXED.column_names)
    left, right = values(table), values(written)
    assert all(same(left[name], right[name]) for name in MIXED.column_names)


def test_an_extension_type_of_arrow_is_read_as_what_it_is_stored_as(warehoused: Maker) -> None:
    stored = pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2))
    tensor = pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int32(), [2]), stored)
    unknown = pa.schema([pa.field("u", pa.int64(), metadata={"ARROW:extension:name": "acme.thing"})])
    table = warehoused("arrow", {"d.arrow": arrow(pa.table({"t": tensor}))})
    assert (types(table), values(table)) == ({"t": "other"}, {"t": ["[1, 2]", "[3, 4]"]})
    assert types(warehoused("arrow", {"e.arrow": arrow(pa.table([[7]], schema=unknown))})) == {"u": "int"}


def test_arrow_files_of_different_columns_are_no_table(warehoused: Maker) -> None:
    files = {"a.arrow": arrow(pa.table({"a": [1]})), "b.arrow": arrow(pa.table({"a": ["x"]}))}
    with pytest.raises(UnreadableData, match=r"`b\.arrow` and `a\.arrow` differ in the column `a`"):
        warehoused("arrow", files, label="*.arrow")


def test_arrow_files_with_their_columns_in_another_order_are_one_table(warehoused: Maker) -> None:
    files = {"a.arrow": arrow(pa.table({"a": [1], "b": ["x"]})), "b.arrow": arrow(pa.table({"b": ["y"], "a": [2]}))}
    assert values(warehoused("arrow", files)) == {"a": [1, 2], "b": ["x", "y"]}


def test_nan_is_missing_where_a_footer_does_not_tell_of_it(opened: Opener) -> None:
    # pyarrow leaves NaN out of the least and the greatest number of a column, as the format has it
    table = opened(pa.table({"x": [0.0, NAN, 1.0], "y": pa.array([0.5, NAN, NAN], pa.float32())}))
    assert table.nulls(["x", "y"]) == {"x": 1, "y": 2}
    for condition, rows in (("x between 0 and 1", 2), ("x is null", 1), ("not (x <= 5)", 0), ("y > 5", 0)):
        assert table._ask(f"select count(*) from {table.view} where {condition}") == [(rows,)]
        assert table._ask(f"select coalesce(count_if({condition}), 0) from {table.view}") == [(rows,)]
    assert table._ask(f"select max(x), max(y) from {table.view}") == [(1.0, 0.5)]


def test_arrow_files_are_one_table_in_their_order(warehoused: Maker) -> None:
    files = {f"{n}.arrow": arrow(pa.table({"a": [n, n + 10]})) for n in range(3)}
    assert values(warehoused("arrow", files))["a"] == [0, 10, 1, 11, 2, 12]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A DuckDB file with two tables, one in a schema, and a view."""
    path = tmp_path / "d.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("create table loans as select range as id, 'x' || range as s, [range] as l from range(10)")
        made.execute("create schema more")
        made.execute("create table more.rates as select 0.5::double as rate")
        made.execute("create view few as select id from loans where id < 3")
    return path


@pytest.mark.parametrize(
    ("table", "found", "rows"),
    [
        ("loans", {"id": "int", "s": "string", "l": "other"}, 10),
        ("more.rates", {"rate": "float"}, 1),
        ("few", {"id": "int"}, 3),
    ],
)
def test_a_table_of_a_duckdb_file_is_named(
    warehoused: Maker, database: Path, table: str, found: dict[str, str], rows: int
) -> None:
    before = database.read_bytes()
    opened = warehoused("duckdb", paths=[database], table=table)
    assert (types(opened), opened.rows()) == (found, rows)
    assert database.read_bytes() == before


@pytest.fixture
def sqlite(tmp_path: Path) -> Callable[..., Path]:
    """A SQLite file that these statements make."""

    def make(*statements: str, rows: Sequence[Sequence[Any]] = ()) -> Path:
        path = tmp_path / "d.sqlite"
        made = sqlite3.connect(path)
        for statement in statements:
            made.execute(statement)
        if rows:
            made.executemany(f"insert into t values ({', '.join('?' * len(rows[0]))})", rows)
        made.commit()
        made.close()
        return path

    return make


@pytest.mark.parametrize(
    ("declared", "cells", "type_", "read"),
    [
        ("integer", [1, None, 2**62], "int", [1.0, NAN, float(2**62)]),
        ("int", [1, 2**62 + 1], "int", [1, 2**62 + 1]),
        ("real", [1, 2.5], "float", [1.0, 2.5]),
        ("int", [1, 2.5], "float", [1.0, 2.5]),
        ("real", [1.0, 2.0], "float", [1.0, 2.0]),
        ("text", ["a", None], "string", ["a", None]),
        ("int", ["a", 1], "string", ["a", "1"]),
        ("boolean", [0, 1, None], "bool", [False, True, None]),
        ("boolean", [0, 2], "int", [0, 2]),
        ("date", ["2024-02-29", None], "date", ["2024-02-29", None]),
        ("date", ["2024-02-30"], "string", ["2024-02-30"]),
        ("datetime", ["2024-02-29 10:00:00", "2024-02-29T11:00:00"], "datetime",
         ["2024-02-29 10:00:00", "2024-02-29 11:00:00"]),
        ("text", ["2024-02-29"], "string", ["2024-02-29"]),
        ("date", [1709164800], "int", [1709164800]),
        ("blob", [b"a"], "other", ["a"]),
        ("", [None], "string", [None]),
        ("integer", [None], "int", [NAN]),
        ("varchar(9)", [None], "string", [None]),
        ("double", [], "float", []),
    ],
    ids=str,
)  # fmt: skip
def test_a_column_of_sqlite_has_the_type_that_all_its_values_have(
    warehoused: Maker, sqlite: Callable[..., Path], declared: str, cells: list[Any], type_: str, read: list[Any]
) -> None:
    path = sqlite(f"create table t (c {declared}, n int)", rows=[(cell, n) for n, cell in enumerate(cells)])
    table = warehoused("sqlite", paths=[path])
    assert types(table)["c"] == type_
    assert same(values(table)["c"], read)


def test_many_rows_of_sqlite_keep_their_order(warehoused: Maker, sqlite: Callable[..., Path]) -> None:
    path = sqlite("create table t (a int, s text)", rows=[(i, "x" * (i % 50)) for i in range(45_000)])
    before = path.read_bytes()
    assert values(warehoused("sqlite", paths=[path]))["a"] == list(range(45_000))
    assert path.read_bytes() == before


def test_a_view_and_a_column_that_is_computed_are_read(warehoused: Maker, sqlite: Callable[..., Path]) -> None:
    path = sqlite(
        'create table t (a int, "b c" int generated always as (a * 2))',
        "insert into t values (4)",
        "create view v as select a + 1 as w from t",
    )
    assert values(warehoused("sqlite", paths=[path], table="t")) == {"a": [4], "b c": [8]}
    assert values(warehoused("sqlite", paths=[path], table="v")) == {"w": [5]}


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_of_several_tables_one_must_be_named(
    warehoused: Maker, sqlite: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    if kind == "sqlite":
        path = sqlite("create table loans (a int)", "create table rates (a int)")
    else:
        path = tmp_path / "d.duckdb"
        with duckdb.connect(str(path)) as made:
            made.execute("create table loans (a int)")
            made.execute("create table rates (a int)")
    with pytest.raises(UsageError, match="has 2 tables") as caught:
        warehoused(kind, paths=[path])
    assert caught.value.hint == "say which: table: loans; it has `loans`, `rates`"
    with pytest.raises(UsageError, match="has no table `loan`") as caught:
        warehoused(kind, paths=[path], table="loan")
    assert caught.value.hint == "did you mean `loans`?"
    assert warehoused(kind, paths=[path], table="rates").rows() == 0


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_database_without_a_table_says_so(
    warehoused: Maker, sqlite: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "d.duckdb"
    duckdb.connect(str(path)).close()
    path = sqlite("create table t (a int)", "drop table t") if kind == "sqlite" else path
    with pytest.raises(UnreadableData, match="it has no table"):
        warehoused(kind, paths=[path])


def test_two_databases_are_no_table(warehoused: Maker, database: Path) -> None:
    with pytest.raises(UsageError, match="names 2 databases"):
        warehoused("duckdb", paths=[database, database], label="*.duckdb")


@pytest.mark.parametrize(
    ("options", "said"),
    [({"csv": {"quote": "'"}}, "`csv` says how CSV files are read"), ({"table": "t"}, "`table` names one table")],
    ids=["csv", "table"],
)
def test_what_does_not_concern_a_format_is_refused(warehoused: Maker, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        warehoused("json-lines", {"d.jsonl": lines({"a": 1})}, **options)


# How CSV files are written --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("a,b\n1,x\n", ()),
        ("a;b\n1;x\n", ("read as CSV: delimiter `;`",)),
        ("a\tb\n1\tx\n", ("read as CSV: delimiter `tab`",)),
        ('a,b\n1,"x ""y"" z"\n', ()),
        ('a,b\n1,"x \\"y\\" z"\n', ("read as CSV: escape `\\`",)),
    ],
    ids=["usual", "semicolon", "tab", "quotes twice", "backslash"],
)
def test_what_was_found_out_of_a_dialect_is_noted(opened: Opener, body: str, note: tuple[str, ...]) -> None:
    assert opened(body).notes == note


def test_a_quote_within_quotes_far_below_is_read(opened: Opener) -> None:
    body = "a,b\n" + "1,x\n" * 60_000 + '2,"say ""y"""\n'
    assert values(opened(body))["b"][-1] == 'say "y"'


@pytest.mark.parametrize(
    ("csv", "body", "read"),
    [
        ({"delimiter": "~"}, b"a~b\n1~x,y\n", {"a": [1], "b": ["x,y"]}),
        ({"quote": "'"}, b"a,b\n1,'x,y'\n2,'it''s'\n", {"a": [1, 2], "b": ["x,y", "it's"]}),
        ({"quote": ""}, b'a,b\n1,"x\n', {"a": [1], "b": ['"x']}),
        ({"quote": "'", "escape": "\\"}, b"a,b\n1,'it\\'s'\n", {"a": [1], "b": ["it's"]}),
        ({"missing": ["NA", ""]}, b"a,b\n1,NA\n2,\n3,7\n", {"a": [1, 2, 3], "b": [NAN, NAN, 7.0]}),
        ({"delimiter": ",", "encoding": "utf-8"}, b"a\n1\n", {"a": [1]}),
    ],
    ids=["delimiter", "quote", "no quote", "escape", "missing", "encoding"],
)
def test_a_manifest_says_how_a_csv_file_is_written(
    warehoused: Maker, csv: dict[str, Any], body: bytes, read: dict[str, list[Any]]
) -> None:
    found = values(warehoused("text", {"d.csv": body}, csv=csv))
    assert found.keys() == read.keys()
    assert all(same(found[name], read[name]) for name in read)


@pytest.mark.parametrize(
    ("encoding", "kind"),
    [
        ("latin-1", "text-8-bit"), ("cp1252", "text-8-bit"), ("utf-16", "text-utf-16"), ("UTF-16LE", "text-utf-16"),
        ("shift_jis", "text-8-bit"),
    ],
)  # fmt: skip
def test_an_encoding_that_is_named_is_read(warehoused: Maker, encoding: str, kind: str) -> None:
    text = "name,n\ncafé,1\n" if encoding != "shift_jis" else "name,n\n日本,1\n"
    written = {"UTF-16LE": "utf-16"}.get(encoding, encoding)
    body = text.encode("utf-16") if written == "utf-16" else text.encode(encoding)
    if encoding == "UTF-16LE":
        with pytest.raises(UsageError, match="the encoding `UTF-16LE` is not read"):
            warehoused(kind, {"d.csv": body}, csv={"encoding": encoding})
        return
    table = warehoused(kind, {"d.csv": body}, csv={"encoding": encoding})
    assert values(table) == {"name": [text.split("\n")[1].split(",")[0]], "n": [1]}
    assert table.notes == (f"read as CSV: encoding {encoding}",)


@pytest.mark.parametrize("encoding", ["rot13", "unicode_escape", "zip", "idna", "no such", "\0", "utf-7"])
def test_a_codec_that_is_no_encoding_of_text_is_refused(warehoused: Maker, encoding: str) -> None:
    with pytest.raises(UsageError, match="is not read") as caught:
        warehoused("text", {"d.csv": b"a\n1\n"}, csv={"encoding": encoding})
    assert "latin-1" in caught.value.hint


@pytest.mark.parametrize(
    "csv", [{"delimiter": "::"}, {"delimiter": ""}, {"quote": "ab"}, {"escape": "\n"}], ids=lambda csv: str(csv)
)
def test_a_mark_of_a_dialect_is_one_character(warehoused: Maker, csv: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="expected one character"):
        warehoused("text", {"d.csv": b"a\n1\n"}, csv=csv)


# Folders that are columns ---------------------------------------------------------------------------------------


def parquet(**columns: list[Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        ("text", b"a\n1\n", b"a\n2\n"),
        ("parquet", parquet(a=[1]), parquet(a=[2])),
        ("json-lines", lines({"a": 1}), lines({"a": 2})),
    ],
    ids=["csv", "parquet", "json lines"],
)
def test_folders_named_by_key_and_value_are_columns(warehoused: Maker, kind: str, one: bytes, two: bytes) -> None:
    files = {"d/year=2023/day=2023-05-01/x.dat": one, "d/year=2024/day=2024-05-01/x.dat": two}
    table = warehoused(kind, files, label="d/**/x.dat")
    assert types(table) == {"a": "int", "year": "int", "day": "date"} or types(table) == {
        "a": "int", "day": "date", "year": "int",
    }  # fmt: skip
    assert values(table) == {"a": [1, 2], "year": [2023, 2024], "day": ["2023-05-01", "2024-05-01"]}


def test_a_folder_above_the_pattern_is_no_column(warehoused: Maker, tmp_path: Path) -> None:
    files = {"env=ci/d/year=2023/x.csv": b"a\n1\n", "env=ci/d/year=2024/x.csv": b"a\n2\n"}
    assert list(types(warehoused("text", files, label="d"))) == ["a", "year"]


def test_a_pattern_with_one_match_has_the_columns_that_it_has_with_two(warehoused: Maker, tmp_path: Path) -> None:
    table = warehoused("text", {"d/year=2023/x.csv": b"a\n1\n"}, root=tmp_path / "d")
    assert values(table) == {"a": [1], "year": [2023]}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"d/y=1/a.csv": b"a\n1\n", "d/z=1/a.csv": b"a\n1\n"}, "stands in folders of `y=`, and `z=1/a.csv` of `z=`"),
        ({"d/y=1/a.csv": b"a\n1\n", "d/a.csv": b"a\n1\n"}, "and `a.csv` of no key"),
        ({"d/y=1/a.csv": b"y\n1\n", "d/y=2/a.csv": b"y\n1\n"}, "its folders `y=` would hide its own column `y`"),
        ({"d/Y=1/a.csv": b"y\n1\n", "d/Y=2/a.csv": b"y\n1\n"}, "its folders `Y=` would hide its own column `y`"),
        ({"d/y=1/y=2/a.csv": b"a\n1\n", "d/y=1/y=3/a.csv": b"a\n1\n"}, "folders it stands in are named `y=`"),
    ],
    ids=["other keys", "no keys", "a column hidden", "in other capitals", "twice"],
)
def test_folders_that_make_no_columns_are_refused(warehoused: Maker, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(UnreadableData) as caught:
        warehoused("text", files, label="d/*/a.csv")
    assert said in caught.value.message
    assert caught.value.hint


# Samples --------------------------------------------------------------------------------------------------------

TABLES = {
    "parquet": ("parquet", {"d.parquet": parquet(a=list(range(5000)))}),
    "several files": (
        "parquet",
        {f"{n}.parquet": parquet(a=list(range(n * 1000, n * 1000 + 1000))) for n in range(5)},
    ),
    "csv": ("text", {"d.csv": ("a\n" + "".join(f"{n}\n" for n in range(5000))).encode()}),
    "json lines": ("json-lines", {"d.jsonl": lines(*({"a": n} for n in range(5000)))}),
    "arrow": ("arrow", {"d.arrow": arrow(pa.table({"a": list(range(5000))}))}),
    "a column named as a number": (
        "parquet",
        {"d.parquet": parquet(file_row_number=[7] * 5000, a=list(range(5000)))},
    ),
}


def drawn(table: DuckTable) -> list[int]:
    return sorted(row[0] for row in table._ask(f"select a from {table.sample_view}"))


@pytest.mark.parametrize("format_", TABLES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_sample_is_the_rows_whose_numbers_were_drawn(warehoused: Maker, format_: str, threads: int) -> None:
    kind, files = TABLES[format_]
    table = warehoused(kind, files, sample=(200, 7), threads=threads)
    assert drawn(table) == sorted(random.Random(7).sample(range(5000), 200))
    assert (table.scanned, table.rows()) == (200, 5000)


def test_another_seed_draws_other_rows(warehoused: Maker) -> None:
    kind, files = TABLES["csv"]
    assert drawn(warehoused(kind, files, sample=(200, 1))) != drawn(warehoused(kind, files, sample=(200, 2)))


@pytest.mark.parametrize("rows", [5000, 5001, 10**9])
def test_a_table_that_is_no_larger_than_the_sample_is_no_sample(warehoused: Maker, rows: int) -> None:
    kind, files = TABLES["parquet"]
    table = warehoused(kind, files, sample=(rows, 7))
    assert table.scanned is None
    assert table.sample_view == table.view


def test_a_sample_of_a_duckdb_table_and_of_a_view(warehoused: Maker, tmp_path: Path) -> None:
    path = tmp_path / "d.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("create table t as select range as a from range(5000)")
        made.execute("create view v as select a from t")
    wanted = sorted(random.Random(3).sample(range(5000), 50))
    for table in ("t", "v"):
        assert drawn(warehoused("duckdb", paths=[path], table=table, sample=(50, 3))) == wanted


def test_a_sample_has_limits(warehoused: Maker) -> None:
    body = parquet(a=[0] * 5_000_002)
    with pytest.raises(LimitReached, match="at most 5,000,000 are drawn"):
        warehoused("parquet", {"d.parquet": body}, sample=(5_000_001, 1))


# The warehouse --------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Warehouse, DuckTable, DuckTable]]:
    paths = [tmp_path / "train.csv", tmp_path / "test.parquet"]
    paths[0].write_text("id,x\n1,0.5\n2,1.5\n")
    paths[1].write_bytes(parquet(id=[2, 3]))
    warehouse = Warehouse(threads=2, allowed=paths, tables=2)
    yield warehouse, warehouse.open("train", paths[:1], "text", "a"), warehouse.open("test", paths[1:], "parquet", "b")
    warehouse.close()


def test_a_query_joins_two_datasets(pair: tuple[Warehouse, DuckTable, DuckTable]) -> None:
    _, train, test = pair
    assert (train.view, test.view) == ('"data_train"', '"data_test"')
    joined = f"select count(*) from {test.view} semi join {train.view} using (id)"
    assert train._ask(joined) == test._ask(joined) == [(1,)]


@pytest.mark.parametrize("names", [("a", "A"), ("a b", 'say "x"'), ("x", "x_2", "x")], ids=str)
def test_datasets_of_any_names_are_tables_of_their_own(tmp_path: Path, names: tuple[str, ...]) -> None:
    paths = [tmp_path / f"{n}.csv" for n in range(len(names))]
    for number, path in enumerate(paths):
        path.write_text(f"a\n{number}\n")
    warehouse = Warehouse(threads=1, allowed=paths)
    tables = [warehouse.open(name, [path], "text", path.name) for name, path in zip(names, paths, strict=True)]
    assert [values(table)["a"] for table in tables] == [[number] for number in range(len(names))]
    warehouse.close()


def test_a_file_that_was_not_said_beforehand_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    warehouse = Warehouse(threads=1)
    with pytest.raises(UnreadableData, match="a file that is no dataset of the model"):
        warehouse.open("a", [tmp_path / "a.csv"], "text", "a.csv")
    warehouse.close()


def test_several_threads_ask_one_warehouse(pair: tuple[Warehouse, DuckTable, DuckTable]) -> None:
    found: list[int] = []

    def ask(table: DuckTable) -> None:
        found.extend(table._ask(f"select count(*) from range({n})")[0][0] for n in range(100))

    threads = [threading.Thread(target=ask, args=(table,)) for table in pair[1:] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(list(range(100)) * 4)


ENDLESS = "select count(*) from range(1_000_000_000_000) where range % 7 = 8"


@pytest.mark.parametrize("which", ["table", "warehouse"])
def test_a_question_is_interrupted_from_another_thread(
    pair: tuple[Warehouse, DuckTable, DuckTable], which: str
) -> None:
    warehouse, train, test = pair
    started = threading.Event()
    ended: list[Exception] = []

    def ask() -> None:
        started.set()
        try:
            train._ask(ENDLESS)
        except MlciError as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    started.wait()
    while thread.is_alive():  # a question that has not begun cannot be interrupted
        (train if which == "table" else warehouse).interrupt()
        thread.join(0.05)
    assert [type(error) for error in ended] == [LimitReached]
    assert "interrupted" in str(ended[0])
    if which == "table":
        assert test.rows() == train.rows() == 2
    else:
        with pytest.raises(LimitReached, match="interrupted"):
            test.rows()


@pytest.mark.parametrize("interrupted", [False, True], ids=["closed", "interrupted"])
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool) -> None:
    data, scratch = tmp_path / "data.csv", tmp_path / "scratch"
    data.write_bytes("name\ncafé\n".encode("latin-1"))
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    warehouse = Warehouse(threads=2, memory=128 << 20, allowed=[data])
    table = warehouse.open("d", [data], "text-8-bit", "data.csv", csv={"encoding": "latin-1"})
    table._ask(
        "create temp table big as select range as a, hash(range) as b, md5(range::varchar) as c from range(4_000_000)"
    )
    held = [path for path in scratch.rglob("*") if path.is_file()]
    assert any("duckdb_temp" in path.name for path in held), "it was spilled"
    assert oct(next(scratch.iterdir()).stat().st_mode)[-3:] == "700"
    if interrupted:
        warehouse.interrupt()
    warehouse.close()
    assert list(scratch.iterdir()) == []


def test_more_than_the_memory_is_a_limit_with_a_cure(warehoused: Maker) -> None:
    table = warehoused("text", {"d.csv": b"a\n1\n"}, memory=64 << 20)
    with pytest.raises(LimitReached, match="needs more than the memory it may take") as caught:
        table._ask("select list(range) from range(100_000_000)")
    assert "scan: {rows: 100000}" in caught.value.hint
    assert table.rows() == 1, "and the next question is answered"


def test_missing_values_of_very_many_columns_are_counted(opened: Opener) -> None:
    table = opened(pa.table({f"c{n}": [n, None] if n % 2 else [n, n] for n in range(1001)}))
    assert table.nulls(list(types(table))) == {f"c{n}": n % 2 for n in range(1001)}
