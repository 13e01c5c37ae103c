"""Profiles: what of a table they hold, their file, and what became of a dataset between two of them."""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import changes, difference, keys, profile, profiling, registry
from mlci.document import Document
from mlci.errors import UsageError
from mlci.findings import InvalidFile
from mlci.ports import Column, Table
from mlci.profile import ColumnProfile, Keys, Profile
from mlci.questions import Categories, Hashes, Histogram, Known
from mlci.specs import Dataset
from mlci.tables import plain
from mlci.tables.duck import open_table
from mlci.testing import FakeTable

CONTENT = "sha256:" + "ab" * 32


def made(
    data: Mapping[str, Sequence[Any]], sensitive: Sequence[str] = (), columns: Sequence[str] | None = None
) -> Profile:
    dataset = Dataset(name="d", columns={name: {"sensitive": True} for name in sensitive})
    return profiling.build(FakeTable(data), dataset, CONTENT, columns)


def of(values: Sequence[Any]) -> ColumnProfile:
    return made({"x": values}).columns[0]


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[..., Table]:
    """A table of a parquet file that a query makes."""

    def make(query: str, threads: int = 2) -> Table:
        path = tmp_path / "d.parquet"
        duckdb.sql(f"copy ({query}) to '{path}'")
        return open_table([path], "parquet", "d.parquet", threads=threads)

    return make


# What a profile holds ---------------------------------------------------------------------------------------------


def test_a_column_of_few_numbers_is_kept_value_by_value() -> None:
    column = of([3, 1, 2, 3, 3, None])
    assert (column.type, column.missing, column.low, column.high) == ("int", 1, 1, 3)
    assert (column.edges, column.counts, column.exact) == ((1.0, 2.0, 3.0), (1, 1, 3, 0), True)


def test_two_hundred_values_are_few_and_one_more_are_not() -> None:
    assert of(list(range(200))).exact
    column = of(list(range(201)))
    assert not column.exact
    assert len(column.edges) <= 199


def test_a_column_of_many_numbers_has_quantiles_and_exact_counts() -> None:
    values = [math.sin(i) * 1e4 for i in range(5000)]
    column = of(values)
    assert len(column.edges) == 199
    places = [bisect_left(column.edges, value) for value in values]
    assert column.counts == tuple(places.count(index) for index in range(200))
    assert max(column.counts) <= 2 * 5000 / 200


def test_the_edges_of_a_column_that_is_mostly_one_value_are_spent_on_the_others() -> None:
    column = of([0.0] * 9000 + [math.cos(i) for i in range(1000)])
    assert len(column.edges) > 80
    assert max(column.counts) == column.counts[bisect_left(column.edges, 0.0)] >= 9000


@pytest.mark.parametrize(
    ("start", "step"), [(1.7e9, 1e-3), (-4e-9, 1e-12), (1e15, 1.0)], ids=["seconds", "tiny", "large"]
)
def test_short_edges_stay_apart_where_numbers_are_close(start: float, step: float) -> None:
    column = of([start + step * i for i in range(4000)])
    assert len(column.edges) == 199
    assert max(column.counts) <= 3 * 4000 / 200


@given(
    st.lists(st.floats(-1e300, 1e300, allow_subnormal=False) | st.none() | st.just(math.nan), min_size=1, max_size=300)
)
def test_counts_and_missing_values_are_all_the_rows(values: list[float | None]) -> None:
    column = of([0.5, *values])
    assert sum(column.counts) + column.missing == len(values) + 1
    assert list(column.edges) == sorted(set(column.edges))
    assert column.low == min(value for value in [0.5, *values] if value is not None and value == value)


def test_values_that_are_not_finite_are_counted_beyond_the_edges_and_are_no_end() -> None:
    column = of([1.0, 2.0, math.inf, -math.inf])
    assert (column.low, column.high, column.exact) == (None, None, False)
    assert all(map(math.isfinite, column.edges))
    assert sum(column.counts) == 4


def test_texts_are_categories_with_the_most_frequent_first() -> None:
    column = of(["b", "a", "b", None, "c", "a", "b"])
    assert (column.categories, column.counts, column.missing) == (("b", "a", "c"), (3, 2, 1, 0), 1)


def test_booleans_are_categories() -> None:
    assert (of([True, False, True]).categories, of([True, False, True]).counts) == (("true", "false"), (2, 1, 0))


def test_of_more_than_two_hundred_texts_the_rare_ones_are_the_rest() -> None:
    values = [f"name {i}" for i in range(300)] + ["often"] * 5 + ["seldom"] * 4
    column = of(values)
    assert (column.categories, column.counts) == (("often",), (5, 304))


def test_texts_that_hardly_ever_repeat_are_not_kept_at_all() -> None:
    column = of([f"person {i // 2}" for i in range(600)])
    assert (column.categories, column.counts) == ((), ())


def test_a_long_text_is_no_category() -> None:
    column = of(["a", "b", "x" * 201])
    assert (column.categories, column.counts) == (("a", "b"), (1, 1, 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("date '2026-01-31'", "2026-01-31"),
        ("timestamp '2026-01-31 12:30:00'", "2026-01-31T12:30:00"),
        ("timestamptz '2026-01-31 12:30:00+02:00'", "2026-01-31T10:30:00"),
    ],
    ids=["date", "moment", "moment of a zone"],
)
def test_dates_have_their_ends_only(parquet: Callable[..., Table], value: str, text: str) -> None:
    built = profiling.build(parquet(f"select {value} as at"), Dataset(name="d"), CONTENT).columns[0]
    assert (built.low, built.high, built.edges, built.categories, built.counts) == (text, text, (), (), ())


def test_a_column_without_a_value_has_nothing_but_its_holes() -> None:
    column = of([None, None])
    assert (column.missing, column.low, column.edges, column.counts) == (2, None, (), ())


def test_a_table_without_rows_has_a_profile() -> None:
    built = made({"x": [], "c": []})
    assert built.rows == 0
    assert profile.read(profile.dump(built).encode(), "p") == built


def test_only_the_columns_that_are_asked_for_are_profiled_and_others_are_left_out() -> None:
    built = made({"a": [1], "b": [2], "c": [3]}, columns=["c", "a", "nowhere"])
    assert [column.name for column in built.columns] == ["a", "c"]


def test_short_floats_are_kept_as_the_numbers_that_they_are_compared_as(parquet: Callable[..., Table]) -> None:
    table = parquet("select (i % 7)::float / 10 as x from range(70) t(i)")
    column = profiling.build(table, Dataset(name="d"), CONTENT).columns[0]
    assert column.exact
    assert column.counts == (*[10] * 7, 0)
    assert table.answer([Histogram("x", column.bins()[0])]) == {Histogram("x", column.bins()[0]): column.bins()[1]}


def test_of_a_sample_everything_is_counted_in_the_sample() -> None:
    class Sampled(FakeTable):
        scanned = 4

        def answer(self, questions: Sequence[Any]) -> dict[Any, Any]:
            part = FakeTable({name: values[:4] for name, values in self.data.items()})
            whole = super().answer(questions)
            seen = part.answer(questions)
            return {
                q: seen[q] if type(q).__name__ in ("Count", "Histogram", "Categories") else whole[q] for q in questions
            }

    table = Sampled({"c": ["a", "b", "a", None, "b", "b", "b"], "x": [1, 2, 3, 4, 5, 6, 7]})
    built = profiling.build(table, Dataset(name="d"), CONTENT)
    assert built.rows == 4
    assert (built.columns[0].categories, built.columns[0].counts) == (("b", "a"), (1, 2, 0))
    assert sum(built.columns[1].counts) == 4


def test_a_profile_takes_three_rounds_of_questions() -> None:
    rounds = []

    class Counting(FakeTable):
        def answer(self, questions: Sequence[Any]) -> dict[Any, Any]:
            rounds.append(len(questions))
            return super().answer(questions)

    data: dict[str, Any] = {f"few{i}": [1, 2, 3] * 100 for i in range(5)}
    data |= {f"many{i}": [i * j for j in range(300)] for i in range(1, 5)} | {f"text{i}": ["a"] * 300 for i in range(5)}
    profiling.build(Counting(data), Dataset(name="d"), CONTENT)
    assert len(rounds) == 4  # the values of columns that have few are a round of their own


BIG = """
    select i as id, sin(i) * 1e4 as x, case when i % 13 = 0 then null else 'c' || (i % 5) end as c,
        case when i % 10 < 9 then 0 else cos(i) end as z, (i * 7919) % 83 as age, i % 3 = 0 as b
    from range(1200000) t(i)
"""


def test_the_bytes_are_the_same_with_any_number_of_threads(parquet: Callable[..., Table]) -> None:
    told = set()
    for threads in (1, 2, 4):
        table = parquet(BIG, threads)
        built, hashes = profiling.with_keys(
            profiling.build(table, Dataset(name="d"), CONTENT), table, [("id",), ("c", "b")]
        )
        told.add((profile.dump(built), hashlib.sha256(hashes).hexdigest()))
    assert len(told) == 1


def test_a_column_of_numbers_takes_about_four_kilobytes(parquet: Callable[..., Table]) -> None:
    built = profiling.build(parquet(BIG.replace("1200000", "150000")), Dataset(name="d"), CONTENT)
    for name in ("id", "x", "z"):
        alone = replace(built, columns=tuple(column for column in built.columns if column.name == name))
        assert len(profile.dump(alone)) < 4096


# What it does not hold ----------------------------------------------------------------------------------------------


def test_no_value_of_a_sensitive_column_is_in_the_lock() -> None:
    data = {
        "email": ["ada@example.org"] * 60 + ["bob@example.org"] * 40,
        "salary": [73_911] * 50 + [58_207] * 50,
        "ill": [True] * 99 + [None],
        "plan": ["basic"] * 100,
    }
    text = profile.dump(made(data, sensitive=["email", "salary", "ill"]))
    assert not [
        word for word in ("ada", "bob", "example.org", "73911", "73_911", "58207", "true,", '"true"') if word in text
    ]
    assert '"basic"' in text
    hidden = profile.read(text.encode(), "p").columns[:3]
    assert [(column.sensitive, column.missing, column.counts) for column in hidden] == [
        (True, 0, ()), (True, 0, ()), (True, 1, ())
    ]  # fmt: skip


def test_nothing_is_even_asked_about_the_values_of_a_sensitive_column() -> None:
    asked: list[Any] = []

    class Listening(FakeTable):
        def answer(self, questions: Sequence[Any]) -> dict[Any, Any]:
            asked.extend(questions)
            return super().answer(questions)

    dataset = Dataset(name="d", columns={"email": {"sensitive": True}})
    profiling.build(Listening({"email": ["a"], "n": [1]}), dataset, CONTENT)
    assert {type(question).__name__ for question in asked if "email" in str(question)} == {"Count"}


# The file -------------------------------------------------------------------------------------------------------------

SMALL = Profile(
    dataset="train",
    rows=4,
    content=CONTENT,
    columns=(
        ColumnProfile("age", "int", "BIGINT", 1, low=18, high=40, edges=(18.0, 40.0), exact=True, counts=(1, 2, 0)),
        ColumnProfile("plan", "string", "VARCHAR", 0, categories=("a", "b"), counts=(2, 1, 1)),
        ColumnProfile("email", "string", "VARCHAR", 0, sensitive=True),
        ColumnProfile("at", "date", "DATE", 0, low="2026-01-01", high="2026-01-31"),
    ),
    keys=(Keys(("id", "month"), "0" * 32, 4),),
    keys_sha256="cd" * 32,
    tool="mlci 1.2.3",
)
TEXT = """\
{
 "version": 1,
 "tool": "mlci 1.2.3",
 "dataset": "train",
 "content": "sha256:abababababababababababababababababababababababababababababababab",
 "rows": 4,
 "keys_sha256": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
 "keys": [
  {"columns": ["id","month"], "salt": "00000000000000000000000000000000", "hashes": 4}
 ],
 "columns": [
  {
   "name": "age", "type": "int", "native": "BIGINT", "missing": 1,
   "low": 18, "high": 40,
   "exact": true,
   "edges": [18,40],
   "counts": [1,2,0]
  },
  {
   "name": "plan", "type": "string", "native": "VARCHAR", "missing": 0,
   "categories": ["a","b"],
   "counts": [2,1,1]
  },
  {
   "name": "email", "type": "string", "native": "VARCHAR", "missing": 0, "sensitive": true
  },
  {
   "name": "at", "type": "date", "native": "DATE", "missing": 0,
   "low": "2026-01-01", "high": "2026-01-31"
  }
 ]
}
"""


def test_the_lock_is_a_block_a_column() -> None:
    assert profile.dump(SMALL) == TEXT


def test_the_lock_is_read_back_as_it_was() -> None:
    assert profile.read(TEXT.encode(), "train.profile.json") == SMALL
    assert profile.load(Document("p", json.loads(TEXT))) == SMALL


CELLS = st.none() | st.sampled_from(["a", 'b "quoted"', "línea\nnueva", "\u202e\x00\x1b[2J", "", "ключ"])


@given(
    st.lists(st.tuples(st.integers(-(2**70), 2**70), st.floats(), CELLS, st.booleans() | st.none()), max_size=40),
    st.sampled_from(["x", "a b", 'q"', "ñ\u2028", "\x07"]),
)
def test_a_profile_of_anything_is_read_back_as_it_was(rows: list[tuple[Any, ...]], name: str) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    data = dict(zip([name, "float", "text", "bool"], columns, strict=True))
    built = made(data)
    text = profile.dump(built)
    assert profile.read(text.encode(), "p") == built
    assert profile.dump(profile.read(text.encode(), "p")) == text
    assert text.isprintable() or set(text) - set("\n") == {char for char in text if char.isprintable()}


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "p:1:1", "the file is empty"),
        (TEXT[:-9], "p:30:1", "this is not JSON: expected `,`, found `the end of the file`"),
        (changed('"version": 1', '"version": 2'), "p:2:13", "`version` is 2; this mlci reads version 1"),
        (changed(' "version": 1,\n', ""), "p:1:1", "`version` is missing"),
        (changed(' "rows": 4,', ' "rows": 4, "row": 4,'), "p:6:13", "unknown key `row`"),
        (changed(' "rows": 4,', ' "rows": 4, "rows": 4,'), "p:6:13", "duplicate key `rows`"),
        (changed(' "rows": 4,', ' "rows": -4,'), "p:6:10", "`rows` is -4, expected a whole number of at least 0"),
        (changed("sha256:abab", "sha256:ABAB"), "p:5:13", "expected sha256:<64 hexadecimal digits>"),
        (changed('"type": "int"', '"type": "integer"'), "p:13:27", "expected one of int, float"),
        (changed("[18,40]", "[40,18]"), "p:16:13", "the edges of `age` do not ascend"),
        (changed("[18,40]", "[18,NaN]"), "p:16:17", "a number must be finite"),
        (changed("[18,40]", "[18,1e999]"), "p:16:17", "is more than a number can hold"),
        (changed("[18,40]", '[18,"40"]'), "p:16:17", "is `40`, expected a number"),
        (changed("[18,40]", "[18,true]"), "p:16:17", "is true, expected a number"),
        (changed("[18,40]", "[18]"), "p:17:14", "`age` has 3 counts, expected 2"),
        (changed("[1,2,0]", "[1,3,-1]"), "p:17:19", "is -1, expected a whole number of at least 0"),
        (changed("[1,2,0]", "[1,2.5,0]"), "p:17:17", "is 2.5, expected a whole number"),
        (changed("[1,2,0]", "[1,2,7]"), "p:17:14", "the counts of `age` and its missing values do not add up"),
        (changed('["a","b"]', '["a","a"]'), "p:21:18", "a category of `plan` stands here twice"),
        (changed('"name": "plan"', '"name": "age"'), "p:20:12", "the column `age` stands here twice"),
        (
            changed('"missing": 0, "sensitive": true', '"missing": 0, "sensitive": true, "low": 1'),
            "p:25:87",
            "the column `email` is sensitive, and holds values",
        ),
        ("[]", "p:1:1", "expected a profile that `mlci data profile` wrote"),
    ],
)  # fmt: skip
def test_a_damaged_lock_is_told_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        profile.read(text.encode(), "p")
    told = caught.value.findings[0]
    assert (str(told.at), message in told.message) == (place, True), told


def test_a_lock_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidFile, match="byte 0xff is not UTF-8"):
        profile.read(TEXT.encode().replace(b"plan", b"pl\xff"), "p")


def test_a_large_damaged_lock_is_told_without_its_place() -> None:
    many = ",".join(["1"] * (profile.MAX_PLACES // 2))
    with pytest.raises(InvalidFile, match="`age` has") as caught:
        profile.read(changed("[1,2,0]", f"[{many}]").encode(), "p")
    assert str(caught.value.findings[0].at) == "p"


def test_a_lock_nested_without_end_is_refused() -> None:
    with pytest.raises(InvalidFile, match="nested"):
        profile.read(b"[" * 100_000, "p")


def test_a_wide_lock_is_more_than_a_manifest_may_be() -> None:
    wide = replace(SMALL, columns=tuple(replace(SMALL.columns[0], name=f"c{i}") for i in range(5000)))
    assert profile.read(profile.dump(wide).encode(), "p") == wide


def test_what_is_written_is_valid_by_the_schema_that_is_shipped() -> None:
    import jsonschema

    schema = registry.packed("profile")
    jsonschema.Draft202012Validator.check_schema(schema)
    built = made({"x": [1.5, None], "c": ["a", "b"], "e": ["s", "t"]}, sensitive=["e"])
    for one in (SMALL, built):
        jsonschema.Draft202012Validator(schema).validate(json.loads(profile.dump(one)))


def test_a_new_value_changes_the_lines_of_its_column_only() -> None:
    old = made({"x": [1, 2, 3], "c": ["a", "b", "b"]})
    new = made({"x": [1, 2, 4], "c": ["a", "b", "b"]})
    lines = zip(profile.dump(old).splitlines(), profile.dump(new).splitlines(), strict=True)
    assert [one.strip().split(":")[0] for one, other in lines if one != other] == ['"low"', '"edges"']


# Bins for later data --------------------------------------------------------------------------------------------------


def test_of_exact_edges_what_lies_between_two_values_has_a_bin_of_its_own() -> None:
    edges, counts = of([1, 5, 5]).bins()
    found = FakeTable({"x": [1, 3, 5, 0, 9, 5]}).answer([Histogram("x", edges)])[Histogram("x", edges)]
    assert counts == (0, 1, 0, 2, 0)
    assert found == (1, 1, 1, 2, 1)


def test_values_that_follow_each_other_without_a_gap_need_no_bin_between_them() -> None:
    first = 1.0
    column = ColumnProfile(
        "x", "float", "DOUBLE", 0, edges=(first, math.nextafter(first, 2)), exact=True, counts=(1, 1, 0)
    )
    edges, counts = column.bins()
    assert list(edges) == sorted(set(edges))
    assert len(counts) == len(edges) + 1
    assert sum(counts) == 2


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=100))
def test_the_rows_of_a_column_lie_in_its_own_bins(values: list[int]) -> None:
    edges, counts = of(values).bins()
    question = Histogram("x", edges)
    assert FakeTable({"x": values}).answer([question])[question] == counts


# Keys -----------------------------------------------------------------------------------------------------------------


def with_keys(table: Table, *groups: tuple[str, ...]) -> tuple[Profile, bytes]:
    return profiling.with_keys(Profile("d", table.rows(), CONTENT), table, groups)


def test_the_hashes_of_keys_are_sorted_and_each_stands_once() -> None:
    built, raw = with_keys(FakeTable({"id": [7, 3, 7, None, 11]}), ("id",))
    salt = keys.salt(CONTENT, ("id",))
    expected = sorted(plain.key_hash(salt, [str(value)]) for value in (3, 7, 11))
    assert list(keys.read(raw, "k", built.keys_sha256)) == expected
    assert built.keys == (Keys(("id",), salt, 3),)
    assert len(raw) == 24


def test_a_hash_is_what_its_definition_says() -> None:
    # by hand: the upper half of the MD5 of salt, length, colon, value, as a little-endian number
    digest = hashlib.md5(b"5a" * 16 + b"2:42", usedforsecurity=False).digest()
    table = FakeTable({"id": [42]})
    raw = table.answer([Hashes(("id",), "5a" * 16)])[Hashes(("id",), "5a" * 16)]
    assert raw == digest[8:]


def test_the_engine_and_plain_python_have_the_same_hashes(parquet: Callable[..., Table]) -> None:
    question = Hashes(("n", "c"), "5a" * 16)
    rows = [(i % 50, None if i % 11 == 0 else f"ü{i % 7}") for i in range(200)]
    listed = ", ".join(f"({n}, {'null' if c is None else repr(c)})" for n, c in rows)
    table = parquet(f"select * from (values {listed}) t(n, c)")
    other = FakeTable({"n": [n for n, _ in rows], "c": [c for _, c in rows]})
    assert table.answer([question]) == other.answer([question])


def test_groups_have_salts_of_their_own_in_one_file() -> None:
    built, raw = with_keys(FakeTable({"id": [1, 2], "house": [1, 2]}), ("id",), ("house",))
    assert built.keys[0].salt != built.keys[1].salt
    assert len(keys.read(raw, "k", built.keys_sha256)) == 4


def test_what_was_hashed_is_known_again() -> None:
    table = FakeTable({"id": [1, 2, 3], "m": ["a", "b", "c"]})
    built, raw = with_keys(table, ("id", "m"))
    found = built.key(["m", "id"])
    assert found is not None
    question = Known(found.columns, found.salt, "d")
    current = {"id": [3, 2, 9], "m": ["c", "a", "c"]}
    hashes = set(keys.read(raw, "k", built.keys_sha256))
    assert plain.answer(current, question, {}, {"d": hashes}) == 1


def test_the_key_of_other_columns_is_not_known() -> None:
    assert SMALL.key(["id"]) is None
    assert SMALL.key(["month", "id"]) == SMALL.keys[0]


def test_the_salt_is_that_of_the_content_and_the_columns() -> None:
    salts = {keys.salt(content, columns) for content in (CONTENT, "sha256:other") for columns in (("a", "b"), ("a,b",))}
    assert len(salts) == 4
    assert keys.salt(CONTENT, ("a",)) == keys.salt(CONTENT, ("a",))


def test_a_key_that_is_no_column_is_told() -> None:
    with pytest.raises(UsageError, match="the key `nowhere` is no column of the dataset `d`"):
        with_keys(FakeTable({"id": [1]}), ("nowhere",))


@pytest.mark.parametrize(
    "raw", [b"\0" * 7, b"\0" * 16, b"\1" + b"\0" * 15], ids=["no whole hash", "the same twice", "falling"]
)
def test_a_file_of_keys_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidFile, match="this is no file of key hashes"):
        keys.read(raw, "k", hashlib.sha256(raw).hexdigest())


def test_a_file_of_keys_that_the_profile_does_not_name_is_refused() -> None:
    with pytest.raises(InvalidFile, match="these are not the key hashes that the profile names"):
        keys.read(b"\0" * 8, "k", "00" * 32)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("m/train.profile.json", "m/train.keys"), ("train.json", "train.keys"), ("locks/train", "locks/train.keys")],
)
def test_the_file_of_keys_stands_beside_the_profile(path: str, expected: str) -> None:
    assert keys.path_of(path) == expected


def test_files_of_keys_are_joined_in_order_and_without_repeats() -> None:
    one, other = keys.pack([1, 2**64 - 1]), keys.pack([1, 5])
    assert keys.join([one, other]) == keys.pack([1, 5, 2**64 - 1])


# Changes of columns ---------------------------------------------------------------------------------------------------


def column(name: str, type_: str, native: str = "X") -> Column:
    return Column(name, type_, native)


@pytest.mark.parametrize(
    ("old", "new", "breaking"),
    [
        (("int", "BIGINT"), ("float", "DOUBLE"), False),
        (("float", "DOUBLE"), ("int", "BIGINT"), True),
        (("date", "DATE"), ("datetime", "TIMESTAMP"), False),
        (("datetime", "TIMESTAMP"), ("date", "DATE"), True),
        (("int", "BIGINT"), ("string", "VARCHAR"), True),
        (("bool", "BOOLEAN"), ("int", "BIGINT"), True),
        (("int", "INTEGER"), ("int", "BIGINT"), False),
        (("int", "BIGINT"), ("int", "INTEGER"), True),
        (("int", "UTINYINT"), ("int", "SMALLINT"), False),
        (("int", "UTINYINT"), ("int", "TINYINT"), True),
        (("int", "INTEGER"), ("int", "UBIGINT"), True),
        (("float", "FLOAT"), ("float", "DOUBLE"), False),
        (("float", "DOUBLE"), ("float", "FLOAT"), True),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_a_type_that_does_not_hold_the_former_one_breaks(
    old: tuple[str, str], new: tuple[str, str], breaking: bool
) -> None:
    found = changes.changes([column("a", *old)], [column("a", *new)])
    assert [(change.kind, change.breaking) for change in found] == [("changed", breaking)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("int", "BIGINT"), ("int", "int64")),
        (("string", "VARCHAR"), ("string", "ENUM('a')")),
        (("int", "INTEGER"),) * 2,
    ],
    ids=["of another engine", "of no width", "the same"],
)
def test_names_of_types_that_say_nothing_of_each_other_are_no_change(
    old: tuple[str, str], new: tuple[str, str]
) -> None:
    assert changes.changes([column("a", *old)], [column("a", *new)]) == []


def test_a_column_that_is_gone_breaks_and_one_that_is_new_does_not() -> None:
    found = changes.changes([column("a", "int"), column("b", "int")], [column("c", "int"), column("a", "int")])
    assert [(change.column, change.kind, change.breaking) for change in found] == [
        ("b", "removed", True),
        ("c", "added", False),
    ]


def test_the_type_of_a_column_without_a_value_is_no_change() -> None:
    assert changes.changes([column("a", "int")], [column("a", "string")], empty={"a"}) == []


# What became of a dataset ---------------------------------------------------------------------------------------------

SHAPES: dict[str, list[Any]] = {
    "few": [1, 2, 2, 3, None] * 60,
    "many": [math.sin(i) for i in range(300)],
    "text": ["a", "b", "a", "c", None] * 60,
    "bool": [True, False, True] * 100,
    "name": [f"n{i}" for i in range(300)],
}


def test_the_same_data_did_not_change() -> None:
    found = difference.diff(made(SHAPES), made(SHAPES))
    assert found.changes == ()
    assert not [column for column in found.columns if column.is_changed]
    assert not any(column.estimated for column in found.columns)


def test_what_moved_most_stands_first_with_its_statistics() -> None:
    now = SHAPES | {"many": [value + 1 for value in SHAPES["many"]], "few": [1, 2, None, 3, None] * 60}
    found = difference.diff(made(SHAPES), made(now))
    assert [column.name for column in found.columns][:2] == ["many", "few"]
    assert found.columns[0].statistics["psi"] > 0.25
    assert found.columns[1].missing == (0.2, 0.4)
    assert {len(shares) for shares in found.columns[0].histograms} == {10}


def test_rows_that_were_counted_in_the_old_bins_are_told_exactly() -> None:
    old, table = made(SHAPES), FakeTable(SHAPES | {"many": [value * 2 for value in SHAPES["many"]]})
    new = profiling.build(table, Dataset(name="d"), CONTENT)
    found = {column.name: column for column in difference.diff(old, new, difference.recount(table, old, new)).columns}
    assert not any(column.estimated for column in found.values())
    # of -2..2 a third lies below -1, and a third above 1
    assert found["many"].histograms[1][0] + found["many"].histograms[1][-1] == pytest.approx(0.7, abs=0.05)


@given(st.floats(-2, 2), st.floats(0.5, 2))
def test_an_estimate_from_other_bins_is_near_what_counting_says(shift: float, scale: float) -> None:
    old, table = made(SHAPES), FakeTable(SHAPES | {"many": [value * scale + shift for value in SHAPES["many"]]})
    new = profiling.build(table, Dataset(name="d"), CONTENT)

    def ks(counts: difference.Recounted | None) -> float:
        return next(c for c in difference.diff(old, new, counts).columns if c.name == "many").statistics["ks"]

    assert ks(None) == pytest.approx(ks(difference.recount(table, old, new)), abs=0.02)


def test_values_that_are_all_known_need_no_estimate() -> None:
    old, new = made(SHAPES), made(SHAPES | {"few": [1, 3, 3, 4, None] * 60})
    found = next(column for column in difference.diff(old, new).columns if column.name == "few")
    assert not found.estimated
    table = FakeTable({"few": [1, 3, 3, 4, None] * 60})
    counts = difference.recount(table, old, profiling.build(table, Dataset(name="d"), CONTENT))
    counted = next(column for column in difference.diff(old, new, counts).columns if column.name == "few")
    assert (found.statistics, found.histograms) == (counted.statistics, counted.histograms)


def test_categories_of_two_profiles_are_compared_by_their_names() -> None:
    found = difference.diff(made({"c": ["a"] * 50 + ["b"] * 50}), made({"c": ["b"] * 80 + ["z"] * 20}))
    assert found.columns[0].histograms == ((0.5, 0.5, 0.0), (0.0, 0.8, 0.2))


def test_a_column_that_became_something_else_is_a_change_and_not_compared() -> None:
    found = difference.diff(made({"a": [1, 2]}), made({"a": ["x", "y"]}))
    assert [change.kind for change in found.changes] == ["changed"]
    assert found.columns == ()


def test_profiles_without_rows_can_be_compared() -> None:
    found = difference.diff(made({"a": []}), made({"a": [1]}))
    assert [(column.name, column.statistics) for column in found.columns if column.statistics] == []


def test_a_sensitive_column_is_compared_by_its_holes_only() -> None:
    old = made({"e": ["a", "b"]}, sensitive=["e"])
    found = difference.diff(old, made({"e": ["a", None]}, sensitive=["e"]))
    assert [(column.missing, column.statistics, column.histograms) for column in found.columns] == [
        ((0.0, 0.5), {}, ())
    ]
    assert difference.recount(FakeTable({"e": ["a"]}), old, old) == {}


def test_categories_are_recounted_by_their_names() -> None:
    old = made({"c": ["a", "b"]})
    table = FakeTable({"c": ["b", "z", None]})
    assert difference.recount(table, old, made({"c": ["b", "z"]})) == {"c": (0, 1, 1)}
    assert Categories("c", ("a", "b")) in table.answer([Categories("c", ("a", "b"))])


def test_dates_are_no_numbers_of_a_distribution() -> None:
    table = FakeTable({"d": [1]})
    table.columns = [Column("d", "date", "DATE")]
    table.data = {"d": [date(2026, 1, 1), date(2026, 1, 2)]}
    built = profiling.build(table, Dataset(name="d"), CONTENT)
    assert (built.columns[0].low, built.columns[0].high) == ("2026-01-01", "2026-01-02")
    assert difference.diff(built, built).columns[0].statistics == {}
    assert datetime(2026, 1, 1, tzinfo=UTC).date().isoformat() == built.columns[0].low
