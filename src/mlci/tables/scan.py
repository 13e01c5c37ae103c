"""The questions to one table, planned: everything that one scan can answer is answered by one.

What cannot join the scan are repeats and what is shared with other tables. Of these, whole rows are looked for only
among the rows whose key repeats, where a key was asked about as well; else among the rows whose hash does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from mlci import keys
from mlci.errors import MlciError, UsageError
from mlci.escape import line
from mlci.questions import (
    Answer,
    Categories,
    Count,
    Distinct,
    Extreme,
    Hashes,
    Histogram,
    Known,
    Missing,
    Quantiles,
    Question,
    Repeated,
    Repeats,
    RowQuestion,
    Rows,
    Selected,
    Shared,
    TopValues,
)
from mlci.tables import sql
from mlci.tables.plain import rank
from mlci.tables.sql import Aggregated, Relation
from mlci.tables.user_sql import braces

AT_ONCE = 1_000
"""Expressions of one SELECT; a wide table has more, and takes another scan for them."""
PART = 1_000_000
"""Key hashes that are fetched at once."""

Ask = Callable[[str], list[tuple[Any, ...]]]


class Scan:
    """Answers questions to one relation of a database. Not for two threads at once."""

    def __init__(
        self,
        ask: Ask,
        relation: Relation,
        label: str,
        *,
        other: Callable[[str], Relation],
        keys: Callable[[str], str],
        sample: Relation | None = None,
    ) -> None:
        """``other`` finds the relation of another dataset, ``keys`` a relation with the column ``h`` of key hashes."""
        self._ask = ask
        self._relation = relation
        self._label = label
        self._other = other
        self._keys = keys
        self._sample = sample or relation
        self._checked: set[str] = set()
        self._names = (f"mlci_temp_{number}" for number in count())

    # -- answers

    def answer(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        """Every question answered. Raises the error of the first that cannot be."""
        wanted = dict.fromkeys(questions)
        for question in wanted:
            if where := getattr(question, "where", ""):
                self._check_condition(where)
        plan = _Plan(list(wanted))
        answers: dict[Question, Answer] = {}
        if self._sample is self._relation:
            answers.update(self._scan([*plan.full, *plan.sampled], self._relation))
        else:
            answers.update(self._scan(plan.full, self._relation))
            answers.update(self._scan(plan.sampled, self._sample))
        answers.update(self._repeats(plan.repeats, answers))
        for question in plan.others:
            answers[question] = self._alone(question)
        return {question: answers[question] for question in wanted}

    def _scan(self, questions: Sequence[Aggregated], relation: Relation) -> dict[Question, Answer]:
        expressions: list[str] = []
        spans = []
        for question in questions:
            found = sql.aggregates(question, relation)
            spans.append((question, len(expressions), len(expressions) + len(found)))
            expressions += found
        values: list[Any] = []
        for start in range(0, len(expressions), AT_ONCE):
            part = ", ".join(expressions[start : start + AT_ONCE])
            values += self._ask(f"select {part} from {relation.view}")[0]
        return {question: _read(question, values[start:end]) for question, start, end in spans}

    def _repeats(self, questions: Sequence[Repeats], known: dict[Question, Answer]) -> dict[Question, Answer]:
        answers: dict[Question, Answer] = {}
        # the narrow ones first: their repeated keys say where to look for the wide ones
        tables: dict[str, str] = {}
        for question in sorted(questions, key=lambda item: len(item.columns)):
            if len(question.columns) == 1 and question.nulls == "apart" and not question.where:
                answers[question], tables[question.columns[0]] = self._key(question)
                continue
            key = next((column for column in question.columns if column in tables), None)
            if key is not None:
                answers[question] = self._among(question, key, tables[key], known)
            elif len(question.columns) >= sql.HASHED_FROM:
                answers[question] = self._by_hash(question)
            else:
                answers[question] = _repeated(self._ask(sql.repeated(question, self._relation)))
        for table in tables.values():
            self._ask(f"drop table {table}")
        return answers

    def _key(self, question: Repeats) -> tuple[Repeated, str]:
        """The repeats of one column, and a table of the values that repeat."""
        table = next(self._names)
        column = self._relation.column(question.columns[0])
        held = sql.present(column)
        self._ask(
            f"create temp table {table} as select {sql.plain(column)} as k, count(*) as n"
            f" from {self._relation.view} where {held} group by k having count(*) > 1"
        )
        return _repeated(self._ask(f"select coalesce(sum(n), 0)::bigint, count(*) from {table}")), table

    def _among(self, question: Repeats, key: str, table: str, known: dict[Question, Answer]) -> Repeated:
        """Equal rows have equal keys: only the rows whose key repeats, or is missing, are compared."""
        column = self._relation.column(key)
        candidates = f"{sql.plain(column)} in (select k from {table})"
        holes = known.get(Count(Missing(key)))
        if holes is None or self._sample is not self._relation:
            holes = self._ask(f"select count(*) from {self._relation.view} where not {sql.present(column)}")[0][0]
        if holes and question.nulls == "equal":
            candidates = f"({candidates} or not {sql.present(column)})"
        elif self._ask(f"select count(*) from {table}")[0][0] == 0:
            return Repeated(0, 0)
        return _repeated(self._ask(sql.repeated(question, self._relation, candidates)))

    def _by_hash(self, question: Repeats) -> Repeated:
        columns = [self._relation.column(item) for item in question.columns]
        hashed = sql.hashed(columns)
        table = next(self._names)
        held = sql.repeat_condition(question, self._relation)
        self._ask(
            f"create temp table {table} as select {hashed} as h from {self._relation.view} where {held}"
            " group by h having count(*) > 1"
        )
        try:
            if self._ask(f"select count(*) from {table}")[0][0] == 0:
                return Repeated(0, 0)
            candidates = f"{hashed} in (select h from {table})"
            return _repeated(self._ask(sql.repeated(question, self._relation, candidates)))
        finally:
            self._ask(f"drop table {table}")

    def _alone(self, question: Question) -> Answer:
        relation = self._relation
        if isinstance(question, Shared):
            return self._shared(question)
        if isinstance(question, Known):
            return int(self._ask(self._known(question, "select count(*)"))[0][0])
        if isinstance(question, Selected):
            return int(self._ask(f"select count(*) from (\n{self._selected(question)}\n)")[0][0])
        if isinstance(question, Hashes):
            return self._hashes(question)
        assert isinstance(question, TopValues | Distinct | Quantiles)
        column_ = relation.column(question.column)
        there = sql.present(column_)
        if isinstance(question, TopValues):
            top = self._ask(
                f"select {sql.written(column_)} as v, count(*) as n from {relation.view} where {there}"
                f" group by v order by n desc, v limit {question.most}"
            )
            return tuple((str(value), int(rows)) for value, rows in top)
        if isinstance(question, Distinct):
            found = self._ask(
                f"select count(*) from (select distinct {sql.plain(column_)} from {relation.view} where {there}"
                f" limit {question.most + 1})"
            )
            return int(found[0][0])
        return self._quantiles(question)

    def _quantiles(self, question: Quantiles) -> tuple[float, ...]:
        column = self._relation.column(question.column)
        value, there = sql.number(column), sql.present(column)
        rows = int(self._ask(f"select count(*) filter (where {there}) from {self._relation.view}")[0][0])
        if not rows:
            return ()
        source = f"select {value} as x from {self._relation.view} where {there}"
        step = math.ceil(rows / question.exact)
        if step > 1:
            # every step-th row: the same rows each time, whatever the number of threads
            source = f"select x from (select x, row_number() over () as r from ({source})) where (r - 1) % {step} = 0"
        # the middle of a rank's step: at its ends, whether 0.56 of 25 is 14 depends on how DuckDB takes the number
        taken = math.ceil(rows / step)
        shares = ", ".join(repr((rank(share, taken) - 0.5) / taken) for share in question.shares)
        found = self._ask(f"select quantile_disc(x, [{shares}]::double[]) from ({source})")
        return tuple(float(item) for item in found[0][0])

    def _shared(self, question: Shared) -> Repeated:
        other = self._other(question.dataset)
        if len(question.columns) < sql.HASHED_FROM or question.absent:
            return _repeated(self._ask(sql.shared(question, self._relation, other)))
        # whole rows: first by one number for each, then the few that agree in it by their values
        sql.shared_condition(question, self._relation, other)  # the types are looked at
        ours = sql.hashed([self._relation.column(item) for item in question.columns])
        theirs = sql.hashed([other.column(item) for item in question.others])
        table = next(self._names)
        self._ask(
            f"create temp table {table} as select distinct h from (select {theirs} as h from {other.view})"
            f" where h in (select {ours} from {self._relation.view})"
        )
        try:
            if self._ask(f"select count(*) from {table}")[0][0] == 0:
                return Repeated(0, 0)
            few = Relation(
                f"(select * from {self._relation.view} where {ours} in (select h from {table}))", self._relation.columns
            )
            few_there = Relation(
                f"(select * from {other.view} where {theirs} in (select h from {table}))", other.columns
            )
            return _repeated(self._ask(sql.shared(question, few, few_there)))
        finally:
            self._ask(f"drop table {table}")

    def _known(self, question: Known, select: str) -> str:
        columns = [self._relation.column(item) for item in question.columns]
        held = " and ".join(sql.present(column) for column in columns)
        return (
            f"{select} from {self._relation.view} where {held}"
            f" and {key_hash(columns, question.salt)} in (select h from {self._keys(question.dataset)})"
        )

    def _hashes(self, question: Hashes) -> bytes:
        columns = [self._relation.column(item) for item in question.columns]
        held = " and ".join(sql.present(column) for column in columns)
        table = next(self._names)
        self._ask(
            f"create temp table {table} as select distinct {key_hash(columns, question.salt)} as h"
            f" from {self._relation.view} where {held} order by h"
        )
        try:
            rows = int(self._ask(f"select count(*) from {table}")[0][0])
            # a part at a time: as numbers of Python they take ten times their room
            parts = (
                self._ask(f"select h from {table} where rowid between {start} and {start + PART - 1} order by h")
                for start in range(0, rows, PART)
            )
            return b"".join(keys.pack(h for (h,) in part) for part in parts)
        finally:
            self._ask(f"drop table {table}")

    # -- the rows themselves

    def sample(self, question: RowQuestion, columns: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        """At most ``limit`` of the rows, their columns as text; NULL for a column that a query does not return."""
        if isinstance(question, Selected):
            source = f"(\n{self._selected(question)}\n)"
            there = {str(row[0]) for row in self._ask(f"describe select * from {source}")}
        else:
            source = f"({self._rows_of(question)})"
            there = set(self._relation.columns)
        cells = [
            f"{sql.plain(self._relation.column(item))}::varchar" if item in there else "null::varchar"
            for item in columns
        ]
        return self._ask(f"select {', '.join(cells)} from {source} limit {limit}")

    def _rows_of(self, question: RowQuestion) -> str:
        if isinstance(question, Rows):
            return f"select * from {self._relation.view}"
        if isinstance(question, Known):
            return self._known(question, "select *")
        assert not isinstance(question, Selected)
        return sql.rows_of(question, self._relation, self._other)

    def query(self, question: RowQuestion) -> str:
        """SQL for a person: the file in place of the view."""
        shown = Relation(sql.text(self._label), self._relation.columns)
        if isinstance(question, Selected):
            return question.sql.replace("{data}", shown.view)
        if isinstance(question, Known):
            return ""  # the hashes are no table of anybody else's
        if isinstance(question, Rows):
            return f"select * from {shown.view}"

        def named(dataset: str) -> Relation:
            return Relation(sql.name(dataset), self._other(dataset).columns)

        return sql.rows_of(question, shown, named)

    # -- SQL of a manifest

    def _selected(self, question: Selected) -> str:
        """The query with its tables in it. Raises UsageError unless it is one SELECT."""
        statement = question.sql.strip().rstrip(";")
        for name in braces(statement):
            view = self._relation.view if name == "data" else self._other(name).view
            statement = statement.replace("{" + name + "}", view)
        self._parse(statement, "the query")
        return statement

    def _check_condition(self, where: str) -> None:
        """Raises UsageError unless it is one expression: nothing in it may reach the rest of the statement."""
        if where in self._checked:
            return
        # between words, where a parenthesis that it closes itself cannot pass for the one around it
        self._parse(f"select case when\n{where}\nthen 1 end", "`where`")
        node = self._parse(f"select (\n{where}\n)", "`where`")
        select = node.get("select_list", [])
        plain = node.get("type") == "SELECT_NODE" and node.get("from_table", {}).get("type") == "EMPTY"
        if not plain or len(select) != 1 or node.get("where_clause") or node.get("modifiers"):
            raise UsageError(f"`where` is `{line(where)[:200]}`, expected one condition")
        self._checked.add(where)

    def _parse(self, statement: str, what: str) -> dict[str, Any]:
        try:
            tree = json.loads(self._ask(f"select json_serialize_sql({sql.text(statement)})")[0][0])
        except MlciError as error:
            raise UsageError(f"{what} is not SQL: {error.message}") from None
        if tree.get("error"):
            raise UsageError(
                f"{what} is not a SELECT: {line(str(tree.get('error_message', '')))[:300]}",
                hint="write one SELECT, in the SQL of DuckDB",
            )
        if len(tree["statements"]) != 1:
            raise UsageError(f"{what} holds {len(tree['statements'])} statements, expected one")
        node: dict[str, Any] = tree["statements"][0]["node"]
        return node


def key_hash(columns: Sequence[Any], salt: str) -> str:
    """64 bits of the MD5 of the salt and the values as text, each with its length before it: stable for ever."""
    # negative zero is zero
    values = [sql.canonical(column) + (" + 0" if column.type == "float" else "") for column in columns]
    parts = " || ".join(f"length({value}) || ':' || {value}" for value in (f"({value})::varchar" for value in values))
    return f"md5_number_lower({sql.text(salt)} || {parts})"


class _Plan:
    """Which questions go together."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.full: list[Aggregated] = []
        self.sampled: list[Aggregated] = []
        self.repeats: list[Repeats] = []
        self.others: list[Question] = []
        for question in questions:
            if isinstance(question, Rows | Extreme):
                self.full.append(question)
            elif isinstance(question, Count | Histogram | Categories):
                self.sampled.append(question)
            elif isinstance(question, Repeats):
                self.repeats.append(question)
            else:
                self.others.append(question)


def _repeated(found: list[tuple[Any, ...]]) -> Repeated:
    rows, groups = found[0]
    return Repeated(int(rows), int(groups))


def _read(question: Question, values: list[Any]) -> Answer:
    """What the database answered, as the question promises it."""
    first = values[0]
    if isinstance(question, Count | Rows):
        return int(first or 0)  # of no row, `count_if` is NULL
    if isinstance(question, Extreme):
        return _value(first)
    if isinstance(question, Histogram):
        if not question.edges:
            return (int(first),)
        counts = first or {}
        return (*(int(counts.get(edge, 0)) for edge in question.edges), int(counts.get(math.inf, 0)))
    assert isinstance(question, Categories)
    counts, empty = first or {}, int(values[1])
    rest = int(counts.get("", 0))
    if "" in question.known:
        rest -= empty
    return (*(empty if item == "" else int(counts.get(item, 0)) for item in question.known), rest)


def _value(found: Any) -> Answer:
    if isinstance(found, Decimal):
        return float(found)
    if found is None or isinstance(found, str | int | float | datetime | date):
        return found
    return str(found)
