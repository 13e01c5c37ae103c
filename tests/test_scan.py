"""The plan of a scan: what is asked together, where repeats are looked for, and what SQL of a stranger can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.errors import UsageError
from mlci.ports import Column
from mlci.questions import (
    Categories,
    Count,
    Extreme,
    Histogram,
    Known,
    Matching,
    Missing,
    NotIn,
    Outside,
    Quantiles,
    Question,
    Repeated,
    Repeats,
    Rows,
    Selected,
    Shared,
)
from mlci.tables.scan import Scan, key_hash
from mlci.tables.sql import Relation, literal, name, text, without_nan

KINDS = {
    "BIGINT": "int",
    "INTEGER": "int",
    "DOUBLE": "float",
    "VARCHAR": "string",
    "TIMESTAMP": "datetime",
    "BOOLEAN": "bool",
}


class Database:
    """Tables made of SQL, and a log of what they were asked."""

    def __init__(self, **tables: str) -> None:
        self.connection = duckdb.connect(":memory:")
        self.log: list[str] = []
        self.relations = {}
        for table, sql in tables.items():
            natives = {row[0]: row[1] for row in self.connection.execute(f"describe {sql}").fetchall()}
            self.connection.execute(f"create table {table} as {without_nan(sql, natives)}")
            described = self.connection.execute(f"describe {table}").fetchall()
            columns = {row[0]: Column(row[0], KINDS.get(row[1], "other"), row[1]) for row in described}
            self.relations[table] = Relation(table, columns)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        self.log.append(sql)
        return self.connection.execute(sql).fetchall()

    def scan(self, table: str = "data", sample: str | None = None) -> Scan:
        def other(dataset: str) -> Relation:
            if dataset not in self.relations:
                raise UsageError(f"there is no dataset `{dataset}`")
            return self.relations[dataset]

        return Scan(
            self.ask,
            self.relations[table],
            f"{table}.parquet",
            other=other,
            keys=lambda dataset: f"keys_{dataset}",
            sample=self.relations[sample] if sample else None,
        )


@pytest.fixture
def database() -> Iterator[Database]:
    found = Database(
        data="select i as id, i % 7 as a, case when i % 5 = 0 then null else i / 10.0::double end as x,"
        " 'v' || (i % 3) as c, timestamp '2026-01-01' + i * interval 1 hour as at from range(1000) t(i)"
    )
    yield found
    found.connection.close()


def test_everything_that_one_scan_can_answer_is_one_query(database: Database) -> None:
    questions: list[Question] = [
        Rows(),
        Count(Missing("x")),
        Count(Outside("a", 0, 5), "c = 'v1'"),
        Count(NotIn("c", ("v0", "v1"))),
        Extreme("at", "max"),
        Histogram("x", (10.0, 50.0)),
        Categories("c", ("v0",)),
    ]
    answers = database.scan().answer(questions)
    # the others ask what a condition is, and read nothing
    scans = [sql for sql in database.log if "json_serialize_sql" not in sql and not sql.startswith("describe")]
    assert len(scans) == 1
    assert list(answers.values()) == [1000, 200, 47, 333, datetime(2026, 2, 11, 15), (80, 320, 400), (334, 666)]


def test_a_table_of_very_many_columns_is_asked_in_parts() -> None:
    wide = Database(data="select " + ", ".join(f"{i} as c{i}" for i in range(1500)))
    answers = wide.scan().answer([Count(Outside(f"c{i}", None, 700)) for i in range(1500)])
    assert sum(answers.values()) == 799  # type: ignore[arg-type]  # counts
    assert len(wide.log) == 2


def test_equal_rows_are_looked_for_where_the_key_repeats() -> None:
    database = Database(
        data="select i as id, i % 10 as a, 'x' as b from range(100) t(i)"
        " union all select 5, 5, 'x' union all select 6, 0, 'x' union all select null, 1, 'y' from range(2)"
    )
    whole = Repeats(("id", "a", "b"), "equal")
    answers = database.scan().answer([Repeats(("id",)), whole, Count(Missing("id"))])
    assert answers[Repeats(("id",))] == Repeated(4, 2)
    assert answers[whole] == Repeated(4, 2)  # 5 twice, and the two without a key
    assert not any("hash(" in sql for sql in database.log)
    alone = database.scan().answer([whole])
    assert alone[whole] == Repeated(4, 2)
    assert any("hash(" in sql for sql in database.log)


def test_no_row_is_read_again_where_no_key_repeats(database: Database) -> None:
    scan = database.scan()
    scan.answer([Repeats(("id",)), Repeats(("id", "a", "c"), "equal"), Count(Missing("id"))])
    assert sum("from data" in sql for sql in database.log) == 2  # the counts and the keys


def test_what_was_made_for_the_plan_is_dropped(database: Database) -> None:
    database.scan().answer([Repeats(("id",)), Repeats(("a", "c", "x"), "equal")])
    assert [row[0] for row in database.ask("select table_name from duckdb_tables()")] == ["data"]


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2) | st.none(),
        st.sampled_from([0.0, -0.0, 1.5, float("nan"), None]),
        st.sampled_from(["", "a", None]),
    ),
    max_size=8,
)


def filled(rows: Sequence[tuple[Any, ...]]) -> str:
    schema = "select null::bigint as k, null::double as x, null::varchar as c where false"
    values = ", ".join("(" + ", ".join("null" if cell is None else literal(cell) for cell in row) + ")" for row in rows)
    return f"{schema} union all (values {values})" if rows else schema


@given(ROWS)
def test_repeats_are_the_same_however_they_are_found(rows: list[tuple[Any, ...]]) -> None:
    database = Database(data=filled(rows))
    whole = Repeats(("k", "x", "c"), "equal")
    keyed = database.scan().answer([Repeats(("k",)), whole])[whole]
    assert keyed == database.scan().answer([whole])[whole]
    plain = [tuple(None if cell != cell else cell for cell in row) for row in rows]
    groups = [plain.count(row) for row in set(plain) if plain.count(row) > 1]
    assert keyed == Repeated(sum(groups), len(groups))
    database.connection.close()


@given(ROWS, ROWS)
def test_shared_rows_are_the_same_however_they_are_found(
    ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]
) -> None:
    database = Database(data=filled(ours), train=filled(theirs))
    wide = Shared(("k", "x", "c"), "train", ("k", "x", "c"), "equal")
    found = database.scan().answer([wide])[wide]
    here, there = ([tuple(None if cell != cell else cell for cell in row) for row in rows] for rows in (ours, theirs))
    common = [row for row in here if row in there]
    assert found == Repeated(len(common), len(set(common)))
    database.connection.close()


def test_quantiles_of_a_large_table_are_those_of_every_nth_row_each_time(database: Database) -> None:
    question = Quantiles("id", (0.1, 0.5, 1.0), exact=100)
    first = database.scan().answer([question])[question]
    assert first == (90.0, 490.0, 990.0)
    database.connection.execute("set threads = 1")
    assert database.scan().answer([question])[question] == first


def test_a_sample_answers_counts_and_never_repeats_extremes_and_rows() -> None:
    database = Database(data="select range as id from range(100)", few="select 1 as id from range(10)")
    answers = database.scan(sample="few").answer(
        [Rows(), Count(), Histogram("id", (5.0,)), Extreme("id", "max"), Repeats(("id",))]
    )
    assert list(answers.values()) == [100, 10, (10, 0), 99, Repeated(0, 0)]


def test_keys_are_known_by_their_salted_hash_alone() -> None:
    database = Database(data="select range as id, 'n' || range as n from range(10)")
    columns = [Column("id", "int", "BIGINT"), Column("n", "string", "VARCHAR")]
    database.ask(f"create table keys_train as select {key_hash(columns, 'salt')} as h from data where id < 4")
    assert database.scan().answer([Known(("id", "n"), "salt", "train")]) == {Known(("id", "n"), "salt", "train"): 4}
    assert database.scan().answer([Known(("id", "n"), "pepper", "train")]) == {Known(("id", "n"), "pepper", "train"): 0}


def test_a_key_hash_does_not_run_two_values_together() -> None:
    database = Database(data="select 'a' as x, 'bc' as y union all select 'ab', 'c'")
    columns = [Column("x", "string", "VARCHAR"), Column("y", "string", "VARCHAR")]
    assert database.ask(f"select count(distinct {key_hash(columns, '')}) from data") == [(2,)]


def test_a_key_hash_is_the_same_for_ever() -> None:
    import hashlib

    database = Database(data="select 42::smallint as id")
    ((found,),) = database.ask(f"select {key_hash([Column('id', 'int', 'SMALLINT')], 's')} from data")
    digest = hashlib.md5(b"s2:42", usedforsecurity=False).digest()
    assert found == int.from_bytes(digest[8:], "little")


@pytest.mark.parametrize(
    "where",
    [
        "1) , (2",
        "true) from data where (true",
        "true) union select (1",
        "true; drop table data",
        "true) --",
        "/*",
        "select 1 from data; select 2",
        "",
    ],
)
def test_a_where_can_be_nothing_but_a_condition(database: Database, where: str) -> None:
    question = Count(Missing("x"), where)
    if not where:
        assert database.scan().answer([question])[question] == 200
        return
    with pytest.raises((UsageError, duckdb.Error)):
        database.scan().answer([question, Rows()])
    assert database.ask("select count(*) from data") == [(1000,)]


def test_a_comment_in_a_where_ends_with_it(database: Database) -> None:
    question = Count(Missing("x"), "id < 100 -- only the first")
    assert database.scan().answer([question])[question] == 20


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select 1; select 2", "holds 2 statements"),
        ("drop table data", "is not a SELECT"),
        ("create table x as select 1", "is not a SELECT"),
        ("copy data to 'x.csv'", "is not a SELECT"),
        ("select * frm {data}", "is not a SELECT: syntax error"),
        ("select * from {nope}", "there is no dataset `nope`"),
    ],
)
def test_a_query_is_one_select(database: Database, sql: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        database.scan().answer([Selected(sql)])
    assert says in refused.value.message


def test_a_query_names_its_own_data_and_other_datasets() -> None:
    database = Database(data="select range as id from range(10)", train="select range as id from range(4)")
    question = Selected("select * from {data} anti join {train} using (id);")
    assert database.scan().answer([question])[question] == 6
    assert database.scan().sample(question, ["id"], 2) == [("4",), ("5",)]


@pytest.mark.parametrize(
    "question",
    [
        Count(Outside("id", None, 4)),
        Count(Outside("id", None, 4), "n = 'a' -- b"),
        Repeats(("n",)),
        Repeats(("id", "n"), "equal", "id > 2"),
        Shared(("id",), "train", ("id",)),
        Shared(("id",), "train", ("id",), absent=True),
        Selected("select * from {data} where id = 3"),
    ],
    ids=str,
)
def test_the_rows_that_are_shown_are_those_that_are_counted(question: Any) -> None:
    database = Database(
        data="select range % 8 as id, case when range % 3 = 0 then 'a' else null end as n from range(12)",
        train="select range as id from range(5)",
    )
    scan = database.scan()
    counted = scan.answer([question])[question]
    rows = counted.rows if isinstance(counted, Repeated) else counted
    assert len(scan.sample(question, ["id", "n"], 100)) == rows
    assert len(scan.sample(question, ["n"], 1)) == min(1, rows)
    # and a person who runs the query where the file is sees them as well
    shown = scan.query(question).replace("'data.parquet'", "data")
    assert len(database.ask(shown)) == rows


@pytest.mark.parametrize("value", ["it's", 'say "x"', "a\\b", "%", "{}", "é", "nul\0byte", "--", "/*", "\n"])
def test_any_text_is_a_literal_and_a_name(value: str) -> None:
    database = Database(data="select 1 as a")
    assert database.ask(f"select {text(value)}") == [(value,)]
    if "\0" not in value:
        database.ask(f"create table n as select 1 as {name(value)}")
        assert database.ask("describe n")[0][0] == value
        relation = Relation("n", {value: Column(value, "int", "INTEGER")})
        scan = Scan(database.ask, relation, "n", other=lambda _: relation, keys=lambda _: "")
        assert scan.answer([Count(Missing(value))]) == {Count(Missing(value)): 0}


def test_a_column_that_is_not_there_is_named_with_the_one_that_is_meant(database: Database) -> None:
    with pytest.raises(UsageError, match="the column `idd` is not there") as refused:
        database.scan().answer([Count(Missing("idd"))])
    assert refused.value.hint == "did you mean `id`?"


def test_text_is_not_searched_for_in_numbers(database: Database) -> None:
    with pytest.raises(UsageError, match="`id` is int, expected text"):
        database.scan().answer([Count(Matching("id", "1"))])
