"""What is said of a pattern is held against the engine itself."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlci import re2

TAKEN = [
    "", "a", "^[A-Z]{2}$", r"^[^@\s]+@[^@\s]+$", "a|b", "(a|b)+", "(?:a)*?", "(?i)a", "(?i-s:a)", "(?P<year>[0-9]{4})",
    "[]a]", "[^]a]", "[a-]", "[-a]", r"[\d-z]", r"[\w.-]", "[[:alpha:]_]", r"\pL", r"\p{Greek}", r"[\pL]", r"\x41",
    r"\x{1F600}", r"\A\z", r"\/", r"\_", "a{2}?", "a{,5}", "a{", "x{0}", "^*", "()", "(|a)", r"\b+", "]", "}",
    "((a{10}){10}){10}", "[a-b-c]", r"[\x41-\x42]", "世+",
]  # fmt: skip
REFUSED = {
    "(?=a)": "a lookahead", "(?!a)": "a lookahead", "(?<=a)b": "a lookbehind", "(?<!a)b": "a lookbehind",
    r"(a)\1": "a reference back", "(?P<n>a)(?P=n)": "a reference back", "(?>a)": "an atomic group",
    "a++": "repeat", "a**": "repeat", "*a": "repeat", "(*a)": "repeat", "a|+": "repeat", "(?i)*": "repeat",
    "a{2}{3}": "repeat", "a{1001}": "1000", "(a{100}){100}": "1000", "((a{10}){10}){11}": "1000", "x{3,2}": "{3,2}",
    "a{99999999999}": "1000", "(?x)a": "(?x", "(?#c)a": "a comment", "(?(1)a|b)": "a condition", "(?<n>a)": "named",
    "(?i": "(?i", "(a": "not closed", "a)": "closes nothing", "[a": "not closed", "[": "not closed", "[z-a]": "z-a",
    r"[a-\d]": "range", r"\Z": r"\Z", r"\u0041": r"\u", r"\cA": r"\c", r"\h": r"\h", r"\p{Foo}": r"\p", r"[\b]": r"\b",
    "a\\": "backslash", r"\é": "é", "[[:foo:]]": "[:", "[[-A]": "range", "a" * 1001: "1,001 characters",
    "(" * 101 + ")" * 101: "deep",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def takes(engine: duckdb.DuckDBPyConnection, pattern: str) -> bool:
    try:
        engine.execute("select regexp_matches('a', ?)", [pattern]).fetchone()
    except duckdb.Error:
        return False
    return True


@pytest.mark.parametrize("pattern", TAKEN)
def test_a_pattern_of_re2_has_no_problem(engine: duckdb.DuckDBPyConnection, pattern: str) -> None:
    assert takes(engine, pattern)
    assert re2.problem(pattern) == ""


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:20])
def test_what_re2_does_not_take_is_named(pattern: str) -> None:
    assert REFUSED[pattern] in re2.problem(pattern)


# a repeat of eleven digits is literal text to the engine, and no sane reader's
STRICTER = {p for p in REFUSED if len(p) > 100} | {"a{99999999999}"}


@pytest.mark.parametrize("pattern", sorted(REFUSED.keys() - STRICTER), ids=lambda pattern: pattern[:20])
def test_what_is_refused_is_refused_by_the_engine_as_well(engine: duckdb.DuckDBPyConnection, pattern: str) -> None:
    assert not takes(engine, pattern)


PIECES = [
    "a", "é", "-", "^", "$", ".", "|", "(", ")", "(?:", "(?P<n>", "(?i)", "(?i-s:", "(?=", "(?<!", "[", "[^", "]", "[:",
    "[:alpha:]", "[:^digit:]", "*", "+", "?", "{", "}", ",", "{2}", "{2,}", "{2,40}", "{1000}", "{0}", "\\", "\\d",
    "\\1", "\\b", "\\n", "\\x41", "\\x{41}", "\\pL", "\\p{Lu}", "\\P{^Greek}", "\\.", "\\]", "\\Z", "\\A", "0", ":",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
@example("[a-]")
@example("[^^-a]")
@example("(?:a{2}){500}{2}")
@settings(max_examples=1500, deadline=None)
def test_a_pattern_without_a_problem_is_one_that_the_engine_takes(
    engine: duckdb.DuckDBPyConnection, pattern: str
) -> None:
    if not re2.problem(pattern):
        assert takes(engine, pattern)


@given(st.text(max_size=30))
def test_no_text_makes_it_fail(pattern: str) -> None:
    assert isinstance(re2.problem(pattern), str)
