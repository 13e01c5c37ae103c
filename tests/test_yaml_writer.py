from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlci.document import read
from mlci.errors import UsageError
from mlci.escape import UNSEEN
from mlci.yaml_writer import write


def back(text: str) -> Any:
    return read(text.encode(), "model.yaml").data


AMBIGUOUS = [
    "no", "On", "y", "NULL", "~", "", "null", "true", "=", "<<", "010", "0x1F", "1_000", "1e3", "+1", ".5", "1.",
    "1:30", "2024-01-01", "2024-01-01T10:00:00Z", ".inf", ".nan", "-", "--- a", "...", "- a", "a: b", "a #b", "#", "@a",
    "`a", "%a", "!a", "&a", "*a", "{a", "[a", "'", '"', " a", "a ", "\ta", "a\n", "\na", "a\n b\n", "a\n\n\nb", "null ",
    "select 1\n  from x -- y\n", "1234567890123456789", "é", "🙂", "?", ":", "|", ">", ",", "a\\b", "{data}",
]  # fmt: skip


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_text_stays_the_text_that_it_is(text: str) -> None:
    data = {"a": text, "b": [text, {"c": text}]}
    assert back(write(data)) == data


@pytest.mark.parametrize("key", [key for key in AMBIGUOUS if key])
def test_a_key_stays_the_key_that_it_is(key: str) -> None:
    assert back(write({"a": {key: 1}})) == {"a": {key: 1}}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda text: not UNSEEN.search(text))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(AMBIGUOUS)
)
KEYS = (TEXT | st.sampled_from(AMBIGUOUS)).filter(lambda key: key not in ("__proto__", "") and len(key) < 100)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(DATA)
@example({"a": {}, "b": []})
@example({"a": 5e-324, "b": 1e300, "c": -0.0, "d": 1e16})
@example({"a" * 150: 1})
@example([[[]], [{}]])
def test_the_strict_reader_gives_back_what_was_written(data: Any) -> None:
    assert back(write({"data": data})) == {"data": data}


@given(DATA)
def test_no_anchor_stands_for_a_value_that_occurs_twice(data: Any) -> None:
    assert back(write({"one": data, "two": data})) == {"one": data, "two": data}


def test_the_keys_keep_their_order() -> None:
    assert list(back(write({"b": 1, "a": 2, "c": 3}))) == ["b", "a", "c"]


def test_what_is_short_stands_on_one_line_and_a_text_of_many_lines_has_its_own() -> None:
    data = {"columns": {"id": {"type": "int", "in": [1, 2]}}, "checks": [{"sql": "select 1\nfrom x"}]}
    assert write(data) == (
        "columns:\n  id:\n    type: int\n    in: [1, 2]\nchecks:\n  - sql: |-\n      select 1\n      from x\n"
    )


def test_comments_come_first_and_stay_on_their_lines() -> None:
    text = write({"a": 1}, ["one", "", "two\nb: 2"])
    assert text == "# one\n#\n# two\\nb: 2\na: 1\n"
    assert back(text) == {"a": 1}


@pytest.mark.parametrize(
    "value",
    [float("inf"), float("-inf"), float("nan"), 10**18, -(10**18), "a\x07", "a\u202eb", "a\u2028", "\ufeff"],
    ids=ascii,
)
def test_what_the_strict_reader_would_refuse_is_not_written(value: Any) -> None:
    with pytest.raises(UsageError):
        write({"a": [value]})
