"""Tables from real files: parquet written by pyarrow, CSV written by hand, and what is wrong with either."""

from __future__ import annotations

import datetime as dt
import gzip
import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlci.errors import MlciError
from mlci.repo import WorkTree
from mlci.tables.duck import DuckTable, UnreadableData, open_table
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
