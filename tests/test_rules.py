"""The rules of columns: what each asks, and what is refused before anything is asked."""

from __future__ import annotations

from collections import ChainMap
from datetime import date, datetime
from typing import Any

import pytest

from mlci import rules
from mlci.errors import UsageError
from mlci.findings import Level
from mlci.places import Location
from mlci.ports import Column
from mlci.questions import Count, LengthOutside, Missing, NotIn, NotMatching, Outside, Repeats
from mlci.rules import Rule
from mlci.specs import Dataset

TYPES = {
    "int": "BIGINT",
    "float": "DOUBLE",
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
}


def place(*keys: str) -> Location:
    return Location("/".join(keys))


def of(**columns: dict[str, Any]) -> list[Rule]:
    return list(rules.of(Dataset(name="d", path="d.csv", columns=ChainMap(columns)), place))


def asked(type_: str, **rule: Any) -> Any:
    (found,) = of(x=rule)
    return rules.question(found, Column("x", type_, TYPES[type_]))


@pytest.mark.parametrize(
    ("type_", "rule", "question"),
    [
        ("int", {"required": True}, Count(Missing("x"))),
        ("int", {"required": {"where": "a = 1"}}, Count(Missing("x"), "a = 1")),
        ("int", {"unique": True}, Repeats(("x",), "apart")),
        ("int", {"range": [0, 10]}, Count(Outside("x", 0, 10))),
        ("float", {"range": [None, 0.5]}, Count(Outside("x", None, 0.5))),
        ("date", {"range": ["2026-01-01", None]}, Count(Outside("x", date(2026, 1, 1), None))),
        ("datetime", {"range": [None, "2026-01-01 12:30:00"]}, Count(Outside("x", None, datetime(2026, 1, 1, 12, 30)))),
        ("datetime", {"range": ["2026-01-01", None]}, Count(Outside("x", datetime(2026, 1, 1), None))),
        ("string", {"in": ["a", "b"]}, Count(NotIn("x", ("a", "b")))),
        ("int", {"in": {"is": [1, 2], "mostly": "99%"}}, Count(NotIn("x", (1, 2)))),
        ("bool", {"in": [True]}, Count(NotIn("x", (True,)))),
        ("date", {"in": ["2026-01-01"]}, Count(NotIn("x", (date(2026, 1, 1),)))),
        ("string", {"pattern": "^a"}, Count(NotMatching("x", "^a"))),
        ("string", {"length": [1, None]}, Count(LengthOutside("x", 1, None))),
    ],
    ids=str,
)
def test_a_rule_asks_for_the_rows_that_break_it(type_: str, rule: dict[str, Any], question: Any) -> None:
    assert asked(type_, **rule) == question


@pytest.mark.parametrize(
    ("type_", "rule", "says"),
    [
        ("string", {"range": [0, 1]}, "`x` is string, and a range needs numbers or dates"),
        ("int", {"range": ["0", 1]}, "has the bound '0', expected a number"),
        ("int", {"range": [5, 1]}, "ends before it begins"),
        ("date", {"range": ["2026-02-01", "2026-01-01"]}, "ends before it begins"),
        ("date", {"range": [5, None]}, "expected a date such as"),
        ("date", {"range": ["yesterday", None]}, "expected a date such as"),
        ("datetime", {"range": ["2026-01-01T00:00:00+02:00", None]}, "expected a moment such as"),
        ("int", {"in": ["1"]}, "`x` is int, and `in` lists '1'"),
        ("string", {"in": [1]}, "`x` is string, and `in` lists 1"),
        ("int", {"in": [True]}, "`in` lists True"),
        ("int", {"pattern": "a"}, "`x` is int, and `pattern` needs text"),
        ("int", {"length": [1, 2]}, "`x` is int, and `length` needs text"),
        ("string", {"pattern": "(?=a)"}, "the pattern has a"),
        ("string", {"pattern": r"(a)\1"}, "the pattern has a reference back"),
    ],
    ids=str,
)
def test_a_rule_that_does_not_fit_its_column_is_refused_at_its_place(
    type_: str, rule: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        asked(type_, **rule)
    assert says in refused.value.message
    assert str(refused.value.at).startswith("x/")


def test_a_rule_that_is_switched_off_asks_for_nothing() -> None:
    assert of(x={"required": False, "unique": False, "type": "int", "sensitive": True}) == []


def test_a_rule_may_be_plain_or_say_how() -> None:
    plain, full = of(
        x={"range": [0, 1]},
        y={"range": {"is": [0, 1], "mostly": "99%", "max": 3, "where": "a", "severity": "warning", "why": "old"}},
    )
    assert (plain.value, plain.how, plain.severity) == ([0, 1], {}, Level.ERROR)
    assert (full.value, full.severity, full.where) == ([0, 1], Level.WARNING, "a")
    assert full.how == {"mostly": "99%", "max": 3, "where": "a", "severity": "warning", "why": "old"}
    assert full.how_at("mostly") == Location("y/range/mostly")


def test_rules_come_column_by_column() -> None:
    found = of(b={"range": [0, 1], "required": True}, a={"unique": True})
    assert [(rule.column, rule.name) for rule in found] == [("b", "required"), ("b", "range"), ("a", "unique")]


@pytest.mark.parametrize("name", rules.COUNTED)
def test_every_rule_can_be_said_in_words(name: str) -> None:
    values = {"range": [None, 5], "length": [1, 2], "in": ["a"], "pattern": "a"}
    (rule,) = of(x={name: values.get(name, True)})
    assert rules.words(rule).startswith("x ")
