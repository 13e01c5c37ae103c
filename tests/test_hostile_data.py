"""Files and SQL of somebody who means harm: refused in words, in bounded time and memory; nothing else is reached."""

from __future__ import annotations

import gzip
import io
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlci.content import sniff
from mlci.errors import LimitReached, MlciError, UsageError
from mlci.questions import Count, Selected
from mlci.tables import texts
from mlci.tables.duck import READS, DuckTable, UnreadableData, Warehouse

SECRET = "not-to-be-read"
Opener = Callable[..., DuckTable]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens one file of a kind, in a warehouse that knows no other."""
    made: list[Warehouse] = []

    def open_(kind: str, body: bytes | Path, **options: Any) -> DuckTable:
        path = body if isinstance(body, Path) else tmp_path / "data.bin"
        if isinstance(body, bytes):
            path.write_bytes(body)
        made.append(Warehouse(threads=2, memory=256 << 20, allowed=[path]))
        return made[-1].open("d", [path], kind, path.name, **options)

    yield open_
    for warehouse in made:
        warehouse.close()


def refused(opened: Opener, kind: str, body: bytes | Path, **options: Any) -> MlciError:
    """The error that a file ends in; it names the file, and no place on this machine."""
    with pytest.raises((UnreadableData, LimitReached)) as caught:
        opened(kind, body, **options)
    error = caught.value
    assert f"`{body.name if isinstance(body, Path) else 'data.bin'}`" in error.message
    assert "/" not in error.message.replace("and/or", "")
    assert "Traceback" not in error.message
    return error


# The SQL of a pull request ----------------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckTable]:
    """A dataset beside a file, a database and an environment that are nobody's business."""
    monkeypatch.setenv("MLCI_TEST_SECRET", SECRET)
    (tmp_path / "secret.csv").write_text(f"a\n{SECRET}\n")
    (tmp_path / "train.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "test.csv").write_text("a\n1\n")
    duckdb.connect(str(tmp_path / "secret.duckdb")).execute(f"create table t as select '{SECRET}' as a").close()
    paths = [tmp_path / "train.csv", tmp_path / "test.csv"]
    warehouse = Warehouse(threads=2, allowed=paths, tables=2)
    warehouse.open("test", paths[1:], "text", "test.csv")
    yield warehouse.open("train", paths[:1], "text", "train.csv")
    warehouse.close()


READING = {
    "a file": "select * from read_text('{here}/secret.csv')",
    "a csv file": "select * from read_csv('{here}/secret.csv')",
    "a file by its name": "select * from '{here}/secret.csv'",
    "a pattern": "select * from read_csv('{here}/*.csv')",
    "a way round": "select * from read_csv('{here}/../{name}/secret.csv')",
    "bytes": "select * from read_blob('{here}/secret.csv')",
    "json": "select * from read_json('{here}/secret.csv')",
    "the dialect": "select * from sniff_csv('{here}/secret.csv')",
    "parquet metadata": "select * from parquet_metadata('{here}/secret.csv')",
    "another database": "select * from read_duckdb('{here}/secret.duckdb')",
    "the names of files": "select * from glob('{here}/*')",
    "the environment": "select * from read_text('/proc/self/environ')",
    "a variable of the environment": "select getenv('MLCI_TEST_SECRET')",
    "the memory": "select * from read_blob('/proc/self/maps')",
    "the network": "select * from 'http://127.0.0.1:1/a.csv'",
    "the object store": "select * from 's3://bucket/a.parquet'",
    "secrets": "select * from duckdb_secrets()",
    "an extension": "select * from sqlite_scan('{here}/secret.csv', 't')",
    "a variable of python": "select * from nobodys_business",
    "a pointer": "select * from arrow_scan(1, 2, 3)",
    "a pointer of pandas": "select * from pandas_scan(1)",
    "a function of python": "select * from python_map_function((select 1), 1)",
    "a query in a query": "select * from query('select * from read_text(''/proc/self/environ'')')",
    "a query as json": "select * from json_execute_serialized_sql(json_serialize_sql("
    "'select * from read_text(''/proc/self/environ'')'))",
}


@pytest.mark.parametrize("sql", READING.values(), ids=READING)
def test_a_query_reads_nothing_but_datasets(sealed: DuckTable, tmp_path: Path, sql: str) -> None:
    nobodys_business = pa.table({"a": [SECRET]})
    with pytest.raises(MlciError) as caught:
        sealed._ask(sql.format(here=tmp_path, name=tmp_path.name))
    assert SECRET not in str(caught.value)
    assert nobodys_business.num_rows == 1
    assert sealed.rows() == 2, "and the next question is answered"


DOING = {
    "write a file": "copy (select 1) to '{here}/new.csv'",
    "write over a dataset": "copy (select 7 as a) to '{here}/train.csv' (use_tmp_file false)",
    "write to the scratch folder": "copy (select 1) to '{scratch}/spill/x.csv'",
    "export everything": "export database '{here}/out'",
    "import anything": "import database '{here}'",
    "attach a file": "attach '{here}/secret.duckdb' as s",
    "attach a dataset": "attach '{here}/train.csv' as s",
    "attach memory": "attach ':memory:' as s",
    "let go of a database": "detach memory",
    "use another database": "use temp",
    "set a setting": "set enable_external_access = true",
    "set threads": "set threads = 64",
    "reset a setting": "reset memory_limit",
    "say a pragma": "pragma threads = 64",
    "profile to a file": "pragma profile_output = '{here}/out'",
    "log to a file": "call enable_logging(storage = 'file', storage_config = {{'path': '{here}/out'}})",
    "install an extension": "install httpfs",
    "load a library": "load '{here}/evil.so'",
    "make a secret": "create persistent secret s (type s3)",
    "delete rows": "delete from {view}",
    "delete rows while reading": "with gone as (delete from {view} returning a) select * from gone",
    "insert while reading": "with more as (insert into {view} values (9, 'z') returning a) select * from more",
    "update rows": "update {view} set a = 9",
    "drop a dataset": "drop table {view}",
    "change a dataset": "alter table {view} drop column a",
    "make a view": "create view v as select 1",
    "make a view in place of a dataset": "create or replace view {view} as select 1",
    "ask two things": "select 1; select 2",
    "leave the question": "select count(*) from (select 1); drop table {view}; select (2)",
    "end the transaction": "commit; drop table {view}",
    "prepare": "prepare p as select 1",
    "vacuum": "vacuum",
    "checkpoint": "checkpoint",
    "nothing": "",
    "a comment": "-- nothing",
    "no sql": "selct 1",
}


@pytest.mark.parametrize("sql", DOING.values(), ids=DOING)
def test_a_query_does_nothing_but_answer(sealed: DuckTable, tmp_path: Path, sql: str) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    scratch = sealed.warehouse._folder
    with pytest.raises(MlciError):
        sealed._ask(sql.format(here=tmp_path, view=sealed.view, scratch=scratch))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert sealed._ask(f"select * from {sealed.view} order by a") == [(1, "x"), (2, "y")]
    assert list(scratch.rglob("*.csv")) == []


@pytest.mark.parametrize(
    "sql",
    [*READING.values(), *(sql for name, sql in DOING.items() if name not in ("nothing", "a comment", "attach memory"))],
    ids=[*READING, *(name for name in DOING if name not in ("nothing", "a comment", "attach memory"))],
)
def test_a_check_of_sql_can_do_no_more(sealed: DuckTable, tmp_path: Path, sql: str) -> None:
    text = sql.format(here=tmp_path, name=tmp_path.name, view="{data}", scratch=sealed.warehouse._folder)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(MlciError) as caught:
        sealed.answer([Selected(text)])
    assert SECRET not in str(caught.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert sealed.rows() == 2


@pytest.mark.parametrize(
    "where",
    [
        "(select count(*) from read_text('/proc/self/environ')) > 0",
        "a in (select a from read_csv('{here}/secret.csv'))",
        "1 = 1); drop table {view}; select (1",
        "exists (with gone as (delete from {view} returning a) select * from gone)",
        "getenv('MLCI_TEST_SECRET') is null",
    ],
    ids=["a file", "a csv file", "another statement", "a deletion", "the environment"],
)
def test_a_condition_reaches_nothing(sealed: DuckTable, tmp_path: Path, where: str) -> None:
    with pytest.raises(MlciError):
        sealed.answer([Count(where=where.format(here=tmp_path, view=sealed.view))])
    assert sealed.rows() == 2


def test_what_a_question_may_do(sealed: DuckTable) -> None:
    assert sealed._ask(f"with few as (select a from {sealed.view} where a < 2) from few") == [(1,)]
    assert sealed._ask('select count(*) from "data_train" semi join "data_test" using (a)') == [(1,)]
    sealed._ask(f"create temp table mine as select * from {sealed.view}")
    assert sealed._ask("select count(*) from mine") == [(2,)]
    sealed._ask("drop table mine")


def test_a_setting_is_locked_for_every_session(sealed: DuckTable) -> None:
    for statement in ("set threads = 1", "set memory_limit = '100GiB'", "set lock_configuration = false"):
        with pytest.raises(UnreadableData, match="locked"):
            sealed._run(statement)  # what our own statements may not, no other may


# Parquet ------------------------------------------------------------------------------------------------------------


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def element(name: str, *, children: int = 0, repeated: bool = False) -> bytes:
    """A SchemaElement in Thrift's compact protocol: a 32-bit integer, or a group."""
    kind = b"" if children else b"\x15\x02"  # field 1: INT32
    repetition = bytes([0x35 if not kind else 0x25, 4 if repeated else 2])  # field 3
    count = b"\x15" + varint(children << 1) if children else b""  # field 5
    return kind + repetition + b"\x18" + varint(len(name)) + name.encode() + count + b"\0"


def claiming(*elements: bytes, count: int | None = None, rows: int = 0, groups: int = 0) -> bytes:
    """A parquet file that is nothing but a footer."""
    number = len(elements) if count is None else count
    schema = b"\x19" + (bytes([number << 4 | 0x0C]) if number < 15 else b"\xfc" + varint(number)) + b"".join(elements)
    held = b"\x16" + varint(rows << 1)
    parts = b"\x19" + (bytes([groups << 4 | 0x0C]) if groups < 15 else b"\xfc" + varint(groups))
    footer = b"\x15\x02" + schema + held + parts + b"\0"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def flat(*names: str) -> list[bytes]:
    return [element("schema", children=len(names)), *map(element, names)]


def test_the_footer_that_is_written_here_is_read(opened: Opener) -> None:
    table = opened("parquet", claiming(*flat("a", "b")))
    assert [(column.name, column.type) for column in table.columns] == [("a", "int"), ("b", "int")]
    assert table.rows() == 0


def nested(depth: int, *, repeated: bool) -> list[bytes]:
    inner = [element("e", children=1, repeated=repeated) for _ in range(depth)]
    return [element("schema", children=2), element("first"), *inner, element("leaf")]


def deep(kind: str, depth: int) -> bytes:
    type_: pa.DataType = pa.int64()
    value: Any = 1
    for _ in range(depth):
        type_, value = (pa.list_(type_), [value]) if kind == "list" else (pa.struct([("f", type_)]), {"f": value})
    return parquet(first=pa.array([1]), deep=pa.array([value], type_))


WHOLE = parquet(a=list(range(1000)))
PARQUET = {
    "a few bytes": (b"PAR1", UnreadableData, "it has no footer"),
    "cut off": (WHOLE[:-100], UnreadableData, "it has no footer"),
    "cut in front": (b"XXXX" + WHOLE[4:], UnreadableData, "it has no footer"),
    "a footer longer than the file": (
        WHOLE[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1",
        UnreadableData,
        "its footer claims 2,147,483,647 bytes",
    ),
    "a footer as long as nothing": (b"PAR1\0\0\0\0PAR1", UnreadableData, "its footer is damaged"),
    "garbage": (
        b"PAR1" + b"\xff" * 200 + (150).to_bytes(4, "little") + b"PAR1",
        UnreadableData,
        "its footer is damaged",
    ),
    "zeros": (b"PAR1" + bytes(200) + (150).to_bytes(4, "little") + b"PAR1", UnreadableData, "its footer is damaged"),
    "encrypted": (b"PARE" + WHOLE[4:-4] + b"PARE", UnreadableData, "it is encrypted"),
    "too many columns": (claiming(*flat(*(f"c{n}" for n in range(10_001)))), LimitReached, "has 10,001 columns"),
    "a claim of columns": (claiming(count=2**40), LimitReached, "has 1,099,511,627,776 columns"),
    "a claim of row groups": (claiming(*flat("a"), groups=100_001), LimitReached, "has 100,001 row groups"),
    "more children than there are": (claiming(element("s", children=9), element("a")), UnreadableData, "is damaged"),
    "fewer children than there are": (
        claiming(element("s", children=1), element("a"), element("b")),
        UnreadableData,
        "is damaged",
    ),
    "no schema": (claiming(), UnreadableData, "its footer is damaged"),
    "one name twice": (claiming(*flat("a", "b", "a")), UnreadableData, "columns 1 and 3 are both named `a`"),
    "names that differ in capitals": (
        claiming(*flat("a", "A")),
        UnreadableData,
        "`a` and `A`, which differ in capitals",
    ),
    "lists in lists": (deep("list", 13), LimitReached, "the column `deep` of `data.bin` is nested deeper"),
    "levels in levels": (
        claiming(*nested(201, repeated=False)),
        LimitReached,
        "nested deeper than 12 lists or 200 levels",
    ),
    "pages that are not there": (WHOLE[:4] + bytes(len(WHOLE) - 700) + WHOLE[-696:], UnreadableData, ""),
}


@pytest.mark.parametrize(("body", "error", "said"), PARQUET.values(), ids=PARQUET)
def test_a_parquet_file_that_claims_what_it_is_not_is_refused(
    opened: Opener, body: bytes, error: type[MlciError], said: str
) -> None:
    if said:
        found = refused(opened, "parquet", body)
        assert isinstance(found, error)
        assert said in found.message
        assert found.hint
        return
    table = opened("parquet", body)  # the footer is whole: it is found out when the pages are read
    with pytest.raises(UnreadableData, match=r"`data\.bin` cannot be read"):
        table.arrays(["a"])


def test_a_footer_is_not_read_when_it_claims_to_be_huge(opened: Opener, tmp_path: Path) -> None:
    path = tmp_path / "huge.parquet"
    with path.open("wb") as made:  # no byte of it is on the disk
        made.write(b"PAR1")
        made.seek(300 << 20)
        made.write(((256 << 20) + 1).to_bytes(4, "little") + b"PAR1")
    error = refused(opened, "parquet", path)
    assert isinstance(error, LimitReached)
    assert "a footer of 268,435,457 bytes; at most 268,435,456 are read" in error.message


def test_a_footer_of_fields_without_end_is_not_walked(opened: Opener) -> None:
    junk = b"\x19\xf3" + varint(40_000_000) + bytes(40_000_000)  # field 1: a list of bytes
    body = b"PAR1" + junk + len(junk).to_bytes(4, "little") + b"PAR1"
    assert "its footer is damaged" in refused(opened, "parquet", body).message


def test_nested_columns_are_of_another_type(opened: Opener) -> None:
    for kind, depth in (("list", 12), ("struct", 100)):
        table = opened("parquet", deep(kind, depth))
        assert [column.type for column in table.columns] == ["int", "other"]
        assert table.nulls(["first", "deep"]) == {"first": 0, "deep": 0}
        assert len(table.arrays(["deep"])["deep"][0]) > depth


# CSV ------------------------------------------------------------------------------------------------------------------

WIDE = ",".join(f"c{n}" for n in range(200_000)).encode()
CSV = {
    "200,000 columns": (WIDE + b"\n1,2\n", LimitReached, "has 200,000 columns; at most 10,000 are read"),
    "a header without an end": (b"a," * 3_000_000, LimitReached, "line 1 is longer than 2,000,000 bytes"),
    "a line without an end": (
        b"a,b\n1,2\n3," + b"x" * 2_500_000,
        LimitReached,
        "line 3 is longer than 2,000,000 bytes",
    ),
    "a NUL": (b"a,b\n1,x\n2,\0\n", UnreadableData, "line 3 holds a NUL byte"),
    "UTF-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), UnreadableData, "line 1 holds a NUL byte"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), UnreadableData, "line 1: it is UTF-16, expected UTF-8"),
    "UTF-32": ("a,b\n1,2\n".encode("utf-32"), UnreadableData, "line 1: it is UTF-32, expected UTF-8"),
    "Latin-1 far below": (
        b"a,b\n" + b"1,x\n" * 700_000 + b"2,\xe9\n",
        UnreadableData,
        "line 700002: 0xe9 is not UTF-8",
    ),
    "a letter cut off": (b"a\nx\xc3", UnreadableData, "line 2: 0xc3 is not UTF-8"),
    "a field less": (b"a,b\n1,2\n3\n", UnreadableData, "line 3 has 1, the first has 2"),
    "a field more, far below": (b"a,b\n" + b"1,2\n" * 50_000 + b"3,4,5\n", UnreadableData, "line 50002"),
    "a quote without its end": (
        b'a,b\n1,"x\n' + b"2,y\n" * 100_000,
        UnreadableData,
        "a quote in line 2 is never closed",
    ),
    "a quote that ends early": (b'a,b\n1,"x"y\n2,z\n', UnreadableData, "a quote in line 2 ends within a field"),
    "lines that end in two ways": (b"a,b\n1,2\r\n3,4\n", UnreadableData, "its lines end in different ways"),
    "one name twice": (b"a,b,a\n1,2,3\n", UnreadableData, "columns 1 and 3 are both named `a`"),
    "names that differ in capitals": (b"id,ID\n1,2\n", UnreadableData, "`id` and `ID`, which differ in capitals only"),
    "a quoted name twice": (b'"a;b";"a;b"\n1;2\n', UnreadableData, "columns 1 and 2 are both named `a;b`"),
}


@pytest.mark.parametrize(("body", "error", "said"), CSV.values(), ids=CSV)
def test_a_csv_file_that_is_no_table_is_refused_with_its_line(
    opened: Opener, body: bytes, error: type[MlciError], said: str
) -> None:
    found = refused(opened, "text", body)
    assert isinstance(found, error)
    assert said in found.message
    assert found.hint


@pytest.mark.parametrize("row", [b"1,2\n", b"1,2\n" * 30_000], ids=["at once", "far below"])
def test_a_ragged_line_is_named_where_the_delimiter_is_given(opened: Opener, row: bytes) -> None:
    number = row.count(b"\n") + 2
    found = refused(opened, "text", b"a,b\n" + row + b"9,9,9\n", csv={"delimiter": ","})
    assert f"line {number}" in found.message


def test_of_several_files_the_one_that_is_wrong_is_named(tmp_path: Path) -> None:
    bodies = {"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1,2\n3\n"}
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    paths = [tmp_path / name for name in bodies]
    warehouse = Warehouse(threads=1, allowed=paths)
    with pytest.raises(UnreadableData, match=r"^`\*\.csv` cannot be read: `b\.csv`: .*line 3 has 1"):
        warehouse.open("d", paths, "text", "*.csv")
    warehouse.close()


def test_only_the_beginning_of_a_large_file_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"a\n" + b"1\n" * (2 << 20) + b"\xff\n")
    texts.look(tmp_path / "d.csv", "d.csv", 1 << 20, lambda: None, "")
    with pytest.raises(UnreadableData, match="line 2097154"):
        texts.look(tmp_path / "d.csv", "d.csv", None, lambda: None, "")


@given(
    chunks=st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\xc3\xa9", b"\xe2\x82\xac", b"x" * 700_000]), max_size=12),
    end=st.sampled_from([b"", b"\xe9", b"\0"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_wrong_byte_is_found_in_its_line(tmp_path: Path, chunks: list[bytes], end: bytes) -> None:
    path = tmp_path / "d.csv"
    before = b"".join(chunks)
    path.write_bytes(before + end + b"tail\n")
    longest = max(len(part) for part in (before + end + b"tail\n").replace(b"\r", b"\n").split(b"\n"))
    if longest > texts.MAX_LINE or not end:
        return
    line = before.count(b"\n") + 1
    with pytest.raises(UnreadableData, match=f"line {line}[: ]"):
        texts.look(path, "d.csv", None, lambda: None, "")


# JSON lines -----------------------------------------------------------------------------------------------------------

JSON = {
    "200,000 keys": (b"{" + b",".join(b'"k%d":1' % n for n in range(200_000)) + b"}\n", LimitReached, "at most 10,000"),
    "a new key a line": (b"".join(b'{"k%d":1}\n' % n for n in range(10_002)), LimitReached, "has 10,001 columns"),
    "a line cut off": (b'{"a":1}\n{"a":\n', UnreadableData, "line 2: unexpected end of data"),
    "a list": (b'{"a":1}\n[1]\n', UnreadableData, "a line of it holds no object"),
    "a number": (b'{"a":1}\n7\n', UnreadableData, "a line of it holds no object"),
    "one key twice": (b'{"a":1,"a":2}\n', UnreadableData, 'line 1: duplicate key "a"'),
    "keys that differ in capitals": (b'{"a":1}\n{"A":2}\n', UnreadableData, "`A` and `a` differ in capitals only"),
    "an object over lines": (b'{"a":1,\n"b":2}\n', UnreadableData, "line 1"),
    "no key": (b"{}\n{}\n", UnreadableData, "no line of it has a key"),
    "an empty key": (b'{"":1}\n', UnreadableData, "no line of it has a key"),
    "lists in lists": (b'{"a":1}\n{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", UnreadableData, "recursion depth"),
    "half a character": (b'{"a":"\\ud800"}\n', UnreadableData, "line 1"),
    "Latin-1": (b'{"a":"\xe9"}\n', UnreadableData, "line 1: invalid UTF-8"),
    "a NUL": (b'{"a":1}\n{"a":"\0"}\n', UnreadableData, "line 2"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "error", "said"), JSON.values(), ids=JSON)
def test_json_lines_that_are_no_table_are_refused(
    opened: Opener, body: bytes, error: type[MlciError], said: str
) -> None:
    found = refused(opened, "json-lines", body)
    assert isinstance(found, error)
    assert said in found.message


# Arrow ----------------------------------------------------------------------------------------------------------------


def arrow(table: pa.Table | pa.RecordBatch, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    with pa_ipc.new_file(sink, table.schema, options=pa_ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write(table)
    return sink.getvalue()


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in values)


def patched(body: bytes, old: bytes, new: bytes) -> bytes:
    assert body.count(old) == 1
    return body.replace(old, new)


def broken_strings() -> bytes:
    """Texts whose last one ends far beyond the buffer that holds them."""
    return patched(arrow(pa.table({"s": ["a", "bcd", "ef"]})), numbers(0, 1, 4, 6), numbers(0, 1, 4, 1 << 30))


def broken_codes() -> bytes:
    """A category that is not in its dictionary."""
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1, 0], pa.int32()), pa.array(["x", "y"]))
    return patched(arrow(pa.table({"s": codes})), numbers(0, 1, 0, 1, 0), numbers(0, 1, 0, 1, 1 << 28))


def bomb() -> bytes:
    """A batch of a few kilobytes, which is more than a gigabyte once it is unpacked."""
    half = pa.nulls(600 << 20, pa.int8()).fill_null(0)
    return arrow(pa.RecordBatch.from_arrays([half, half], ["a", "b"]), "zstd")


PYTHON_TYPE = arrow(
    pa.table(
        [[b"x"]],
        schema=pa.schema(
            [
                pa.field(
                    "a",
                    pa.binary(),
                    metadata={
                        "ARROW:extension:name": "arrow.py_extension_type",
                        "ARROW:extension:metadata": b"cos\nsystem\n(S'touch canary'\ntR.",
                    },
                )
            ]
        ),
    )
)
FINE = arrow(pa.table({"a": list(range(100)), "s": ["x"] * 100}))
ARROW = {
    "a type that runs code": (PYTHON_TYPE, UnreadableData, "arrow.py_extension_type, which runs code of the file"),
    "texts beyond their buffer": (broken_strings(), UnreadableData, "cannot be read"),
    "codes beyond their dictionary": (broken_codes(), UnreadableData, "cannot be read"),
    "cut off": (FINE[: len(FINE) // 2], UnreadableData, "it has no directory"),
    "cut at the end": (FINE[:-3], UnreadableData, "it has no directory"),
    "only a magic": (b"ARROW1\0\0", UnreadableData, "it has no directory"),
    "garbage": (
        b"ARROW1\0\0" + b"\xff" * 99 + (9).to_bytes(4, "little") + b"ARROW1",
        UnreadableData,
        "claims -1 bytes",
    ),
    "zeros": (b"ARROW1\0\0" + bytes(99) + (9).to_bytes(4, "little") + b"ARROW1", UnreadableData, "cannot be read"),
    "a huge schema": (
        b"ARROW1\0\0\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(99) + (9).to_bytes(4, "little") + b"ARROW1",
        UnreadableData,
        "claims 2,147,483,647 bytes of metadata",
    ),
    "one name twice": (
        arrow(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "A"])),
        UnreadableData,
        "differ in capitals only",
    ),
    "a type that DuckDB does not have": (
        arrow(pa.table({"a": pa.array([1], pa.decimal256(60, 2))})),
        UnreadableData,
        "cannot be read",
    ),
    "too many columns": (
        arrow(pa.Table.from_arrays([pa.array([1])] * 10_001, [f"c{n}" for n in range(10_001)])),
        LimitReached,
        "has 10,001 columns",
    ),
}


@pytest.mark.parametrize(("body", "error", "said"), ARROW.values(), ids=ARROW)
def test_an_arrow_file_that_claims_what_it_is_not_is_refused(
    opened: Opener, tmp_path: Path, body: bytes, error: type[MlciError], said: str
) -> None:
    found = refused(opened, "arrow", body)
    assert isinstance(found, error)
    assert said in found.message
    assert found.hint
    assert not (tmp_path / "canary").exists()


# Databases ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text(f"a\n{SECRET}\n")
    path = tmp_path / "d.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("create table t as select 1 as a")
        made.execute(f"create view file as select * from read_text('{tmp_path}/secret.csv')")
        made.execute("create view environment as select * from read_text('/proc/self/environ')")
        made.execute(f"create macro reach() as table select * from read_text('{tmp_path}/secret.csv')")
        made.execute("create view macro as select * from reach()")
        made.execute("create view endless as select count(*) as a from range(1_000_000_000_000) where range % 7 = 8")
    return path


@pytest.mark.parametrize("view", ["file", "environment", "macro"])
def test_a_view_of_a_duckdb_file_reads_nothing_else(opened: Opener, database: Path, view: str) -> None:
    error = refused(opened, "duckdb", database, table=view)
    assert SECRET not in error.message
    assert opened("duckdb", database, table="t").rows() == 1


def interrupting(table: DuckTable) -> Callable[[], Any]:
    """End what is asked of a table, again and again until it ends; returns what ends that."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.02):
            table.interrupt()

    thread = threading.Thread(target=run)
    thread.start()
    return lambda: (ended.set(), thread.join())


def test_a_view_without_an_end_is_interrupted(opened: Opener, database: Path) -> None:
    table = opened("duckdb", database, table="endless")
    stop = interrupting(table)
    with pytest.raises(LimitReached, match="interrupted"):
        table.arrays(["a"])
    stop()


def sqlite(path: Path, *statements: str) -> Path:
    made = sqlite3.connect(path)
    for statement in statements:
        made.execute(statement)
    made.commit()
    made.close()
    return path


def test_a_view_of_a_sqlite_file_without_an_end_is_interrupted(tmp_path: Path) -> None:
    endless = "create view v as with recursive r(i) as (select 1 union all select i + 1 from r) select i from r"
    path = sqlite(tmp_path / "d.sqlite", endless)
    warehouse = Warehouse(threads=1, allowed=[path])
    timer = threading.Timer(0.2, warehouse.interrupt)
    timer.start()
    with pytest.raises(LimitReached, match="interrupted"):
        warehouse.open("d", [path], "sqlite", "d.sqlite")
    timer.join()
    warehouse.close()


@pytest.mark.parametrize(
    "view",
    ["select load_extension('/tmp/evil.so') as a", "select readfile('/etc/passwd') as a", "select * from nobody"],
    ids=["a library", "a file", "no table"],
)
def test_a_view_of_a_sqlite_file_reaches_nothing(opened: Opener, tmp_path: Path, view: str) -> None:
    made = sqlite3.connect(tmp_path / "d.sqlite")
    made.execute("create table t (a int)")
    made.execute("pragma writable_schema = on")
    made.execute("insert into sqlite_master values ('view', 'v', 'v', 0, ?)", [f"create view v as {view}"])
    made.commit()
    made.close()
    refused(opened, "sqlite", tmp_path / "d.sqlite", table="v")


def test_a_text_of_sqlite_that_is_no_text_is_refused(opened: Opener, tmp_path: Path) -> None:
    path = sqlite(tmp_path / "d.sqlite", "create table t (a text)", "insert into t values (cast(x'ff' as text))")
    assert "decode" in refused(opened, "sqlite", path).message


def test_a_value_of_sqlite_without_bounds_is_refused(opened: Opener, tmp_path: Path) -> None:
    path = sqlite(tmp_path / "d.sqlite", "create view v as select zeroblob(900000000) as a")
    assert "too big" in refused(opened, "sqlite", path).message


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
@pytest.mark.parametrize("keep", [100, 5000, 9000], ids=str)
def test_a_database_that_is_cut_off_is_refused(opened: Opener, tmp_path: Path, kind: str, keep: int) -> None:
    path = tmp_path / "d.db"
    if kind == "sqlite":
        sqlite(
            path,
            "create table t as"
            " with recursive r(i) as (select 1 union all select i + 1 from r limit 5000) select i from r",
        )
    else:
        duckdb.connect(str(path)).execute("create table t as select range from range(5000)").close()
    body = path.read_bytes()[:keep]
    path.write_bytes(body)
    refused(opened, kind, path)


# Anything -------------------------------------------------------------------------------------------------------------

SAMPLES = {
    "parquet": parquet(a=list(range(50)), s=[f"v{n % 7}" for n in range(50)], l=[[n] for n in range(50)]),
    "arrow": FINE,
    "arrow-stream": FINE[8:],
    "text": b"a,b\n" + b"".join(b"%d,x%d\n" % (n, n) for n in range(50)),
    "json-lines": b"".join(b'{"a": %d, "b": "x%d"}\n' % (n, n) for n in range(50)),
}


def read(kind: str, path: Path) -> list[str]:
    """What is said against a file; nothing when it is a table."""
    warehouse = Warehouse(threads=1, memory=128 << 20, allowed=[path])
    try:
        table = warehouse.open("d", [path], kind, "d")
        names = [column.name for column in table.columns]
        table.nulls(names)
        table.arrays(names)
    except MlciError as error:
        return [error.message + error.hint]
    finally:
        warehouse.close()
    return []


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_a_table_or_an_error_in_words(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    body = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.sampled_from([0, 1, 127, 128, 255, 34, 10]))
    path = tmp_path / "d"
    path.write_bytes(body[: data.draw(st.sampled_from([len(body), len(body), len(body) // 2]))])
    for said in read(kind, path):
        assert "`d`" in said
        assert str(tmp_path) not in said


@given(st.binary(min_size=1, max_size=600))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_a_table_or_an_error_in_words(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "d"
    path.write_bytes(body)
    with path.open("rb") as stream:
        kind = sniff(stream).kind
    for tried in READS if kind not in READS else (kind,):
        assert all("`d`" in said for said in read(tried, path))


# Memory ---------------------------------------------------------------------------------------------------------------

OPEN = """
import sys
from pathlib import Path
from mlci.errors import MlciError
from mlci.tables.duck import Warehouse
path = Path(sys.argv[2])
warehouse = Warehouse(threads=2, memory=128 << 20, allowed=[path])
try:
    table = warehouse.open("d", [path], sys.argv[1], path.name)
    print(table.rows())
except MlciError as error:
    print(type(error).__name__, error.message)
warehouse.close()
held = Path("/proc/self/status")  # what getrusage has is of the process that started this one as well
if held.exists():
    print(int(held.read_text().split("VmHWM:")[1].split()[0]) / 1024)
else:
    import resource

    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20))
"""


def megabytes(kind: str, path: Path) -> tuple[str, float]:
    """What opening a file says, and the most memory that it took, in a process of its own."""
    ran = subprocess.run([sys.executable, "-c", OPEN, kind, str(path)], capture_output=True, text=True, check=True)
    said, used = ran.stdout.splitlines()
    return said, float(used)


def json_bomb() -> bytes:
    return b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(300_000)) + b"}\n"


SMALL = {
    "columns of csv": ("text", lambda: WIDE + b"\n", "LimitReached"),
    "keys of json": ("json-lines", json_bomb, "LimitReached"),
    "one line of csv": ("text", lambda: b"a,b\n" + b"x" * (200 << 20), "LimitReached"),
    "a packed batch of arrow": ("arrow", bomb, "LimitReached"),
    "columns of parquet": ("parquet", lambda: claiming(*flat(*(f"c{n}" for n in range(30_000)))), "LimitReached"),
    "many rows of parquet": ("parquet", lambda: parquet(a=pa.nulls(20_000_000, pa.int64())), "20000000"),
}


@pytest.mark.parametrize(("kind", "make", "said"), SMALL.values(), ids=SMALL)
def test_what_claims_to_be_large_takes_little_memory(
    tmp_path: Path, kind: str, make: Callable[[], bytes], said: str
) -> None:
    path = tmp_path / "d"
    path.write_bytes(make())
    found, used = megabytes(kind, path)
    assert found.startswith(said)
    assert used < 400


def test_more_data_than_memory_are_read(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    with duckdb.connect() as made:
        made.execute(f"copy (select range as a, md5(range::varchar) as b from range(4_000_000)) to '{path}'")
    found, used = megabytes("text", path)
    assert found == "4000000"
    assert path.stat().st_size > 150 << 20
    assert used < 400


@pytest.mark.parametrize("body", [gzip.compress(b"a\n" + b"1\n" * 100), b"PK\x03\x04" + bytes(60)], ids=["gz", "zip"])
def test_what_is_packed_is_no_table(tmp_path: Path, body: bytes) -> None:
    kind = sniff(io.BytesIO(body)).kind
    assert kind not in READS


def test_a_question_that_is_no_sql_is_refused_in_words(sealed: DuckTable) -> None:
    with pytest.raises((UsageError, UnreadableData)):
        sealed.answer([Selected("select * from {data} where")])


def test_a_query_without_an_end_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    warehouse = Warehouse(threads=1, allowed=[path])
    table = warehouse.open("d", [path], "text", "d.csv")
    warehouse.seconds, usual = 0.2, warehouse.seconds
    endless = "with recursive t(n) as (select 1 union all select 1 from t) select * from t where n = 2"
    with pytest.raises(LimitReached, match=r"`d\.csv`: one question took more than 200ms") as ended:
        table.answer([Selected(endless)])
    assert "limits: {query: …}" in ended.value.hint
    warehouse.seconds = usual
    assert table.rows() == 1  # and the next one is answered
    warehouse.close()
