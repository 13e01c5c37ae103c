"""The questions to one table, planned: everything that one scan can answer is answered by one.

What cannot join the scan are repeats and what is shared with other tables. Of these, whole rows are looked for only
among the rows whose key repeats, where a key was asked about as well; else among the rows whose hash does.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from mlci import keys
from mlci.errors import MlciError, UsageError
from mlci.escape import line
from mlci.ports import Column
from mlci.questions import (
    Answer,
    Categories,
    Count,
    Distinct,
    Extreme,
    Hashes,
    Histogram,
    Known,
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
from mlci.tables.unreadable import UnreadableData
from mlci.tables.user_sql import braces

AT_ONCE = 1_000
"""Expressions of one SELECT; a wide table has more, and takes another scan for them."""
SUSPECTS = 100_000
"""Rows with a repeated key up to which the scan fetches them whole."""
_PLAIN = ("int", "float", "string", "bool", "date", "datetime")
PART = 1_000_000
"""Key hashes that are fetched at once."""
_OF_SQL = ("Binder Error", "Catalog Error", "Conversion Error", "Out of Range Error")
"""How DuckDB begins what it says of a statement, where the files are as they should be."""

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
        keys: dict[str, _Keys] = {}
        try:
            # keys come first: where they repeat, whole rows may, and the scan can fetch those on its way
            for narrow in plan.keys:
                keys[narrow.columns[0]] = self._key(narrow)
                answers[narrow] = keys[narrow.columns[0]].repeated
            suspects = _Suspects(self._relation, plan.repeats, keys)
            whole = plan.full if self._sample is not self._relation else [*plan.full, *plan.sampled]
            answers.update(self._scan_with(whole, suspects))
            if self._sample is not self._relation:
                answers.update(self._scan(plan.sampled, self._sample))
            for question in plan.repeats:
                answers[question] = self._repeats(question, keys, suspects)
        finally:
            for made in keys.values():
                self._ask(f"drop table {made.table}")
        for other in plan.others:
            answers[other] = self._alone(other)
        return {question: answers[question] for question in wanted}

    def _scan_with(self, questions: Sequence[Aggregated], suspects: _Suspects) -> dict[Question, Answer]:
        """The scan, with the rows that may repeat. Where they cannot be fetched, they are looked for afterwards."""
        if not suspects.expressions:
            return self._scan(questions, self._relation)
        try:
            return self._scan(questions, self._relation, suspects)
        except MlciError:
            suspects.forget()
            return self._scan(questions, self._relation)

    def _scan(
        self, questions: Sequence[Aggregated], relation: Relation, suspects: _Suspects | None = None
    ) -> dict[Question, Answer]:
        expressions: list[str] = list(suspects.expressions) if suspects else []
        spans = []
        for question in questions:
            found = sql.aggregates(question, relation)
            spans.append((question, len(expressions), len(expressions) + len(found)))
            expressions += found
        values: list[Any] = []
        for start in range(0, len(expressions), AT_ONCE):
            part = expressions[start : start + AT_ONCE]
            found_ = self._ask(f"select {', '.join(part)} from {relation.view}")[0]
            if len(found_) != len(part):  # each answer would be that to another question
                raise UsageError("a condition stands for several columns", hint="name one column at a time")
            values += found_
        if suspects:
            suspects.found = values[: len(suspects.expressions)]
        return {question: _read(question, values[start:end], relation.columns) for question, start, end in spans}

    def _repeats(self, question: Repeats, keys: Mapping[str, _Keys], suspects: _Suspects) -> Repeated:
        found = suspects.repeated(question)
        if found is not None:
            repeated, holes = found
            if holes and question.nulls == "equal":
                column = self._relation.column(suspects.key(question))
                missing = self._ask(sql.repeated(question, self._relation, f"not {sql.present(column)}"))
                repeated = _sum(repeated, _repeated(missing))
            return repeated
        key = next((column for column in question.columns if column in keys), None)
        if key is not None:
            return self._among(question, key, keys[key])
        if len(question.columns) >= sql.HASHED_FROM:
            return self._by_hash(question)
        return _repeated(self._ask(sql.repeated(question, self._relation)))

    def _key(self, question: Repeats) -> _Keys:
        """The repeats of one column, and a table of the values that repeat."""
        table = next(self._names)
        column = self._relation.column(question.columns[0])
        held = sql.present(column)
        self._ask(
            f"create temp table {table} as select {sql.plain(column)} as k, count(*) as n"
            f" from {self._relation.view} where {held} group by k having count(*) > 1"
        )
        return _Keys(_repeated(self._ask(f"select coalesce(sum(n), 0)::bigint, count(*) from {table}")), table)

    def _among(self, question: Repeats, key: str, keys: _Keys) -> Repeated:
        """Equal rows have equal keys: only the rows whose key repeats, or is missing, are compared."""
        column = self._relation.column(key)
        candidates = f"{sql.plain(column)} in (select k from {keys.table})"
        holes = self._ask(f"select count(*) - count({sql.name(key)}) from {self._relation.view}")[0][0]
        if holes and question.nulls == "equal":
            candidates = f"({candidates} or not {sql.present(column)})"
        elif not keys.repeated.groups:
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
            return int(self._run("the query", f"select count(*) from (\n{self._selected(question)}\n)")[0][0])
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

        def named(dataset: str) -> Relation:
            other = self._other(dataset)
            return Relation(sql.text(other.label) if other.label else sql.name(dataset), other.columns)

        if isinstance(question, Selected):
            statement = question.sql.replace("{data}", shown.view)
            for name in braces(statement):
                statement = statement.replace("{" + name + "}", named(name).view)
            return statement
        if isinstance(question, Known):
            return ""  # the hashes are no table of anybody else's
        if isinstance(question, Rows):
            return f"select * from {shown.view}"
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
        wrong = UsageError(f"`where` is `{line(where)[:200]}`, expected one condition", hint="such as country = 'US'")
        try:
            # between words, where a parenthesis that it closes itself cannot pass for the one around it
            self._parse(f"select case when\n{where}\nthen 1 end", "`where`")
            node = self._parse(f"select (\n{where}\n)", "`where`")
        except UsageError:  # which would speak of the words around it
            raise wrong from None
        select = node.get("select_list", [])
        plain = node.get("type") == "SELECT_NODE" and node.get("from_table", {}).get("type") == "EMPTY"
        single = plain and len(select) == 1 and not node.get("where_clause") and not node.get("modifiers")
        if not single or _has_columns(select):
            raise wrong
        self._run("`where`", f"describe select (\n{where}\n) from {self._relation.view}")
        self._checked.add(where)

    def _run(self, what: str, statement: str) -> list[tuple[Any, ...]]:
        """Ask what somebody wrote. Raises UsageError where it is the SQL that is wrong, and not the file."""
        try:
            return self._ask(statement)
        except UnreadableData as error:
            said = error.message.removeprefix(f"`{line(self._label)}` cannot be read: ")
            if not said.startswith(_OF_SQL):
                raise
            hint = f"the data have {', '.join(map(line, list(self._relation.columns)[:12]))}"
            if said.startswith("Catalog Error: Table"):
                hint = "write {data} for this dataset, {name} for another one of the model"
            raise UsageError(f"{what} cannot be run: {said}", hint=hint) from None

    def _parse(self, statement: str, what: str) -> dict[str, Any]:
        try:
            tree = json.loads(self._ask(f"select json_serialize_sql({sql.text(statement)})")[0][0])
        except MlciError as error:
            raise UsageError(f"{what} is not SQL: {error.message}") from None
        if tree.get("error"):
            said = line(str(tree.get("error_message", "")))[:300]
            # of another statement DuckDB says that it cannot be "serialized"
            why = f": {said}" if said and tree.get("error_type") == "parser" else ""
            raise UsageError(f"{what} is not a SELECT{why}", hint="write one SELECT, in the SQL of DuckDB")
        if len(tree["statements"]) != 1:
            raise UsageError(f"{what} holds {len(tree['statements'])} statements, expected one")
        node: dict[str, Any] = tree["statements"][0]["node"]
        return node


def _has_columns(tree: Any) -> bool:
    """Whether a condition has ``COLUMNS(...)``: DuckDB makes of its expression as many as there are columns."""
    if isinstance(tree, list):
        return any(map(_has_columns, tree))
    if not isinstance(tree, dict):
        return False
    return (tree.get("class") == "STAR" and bool(tree.get("columns"))) or any(map(_has_columns, tree.values()))


def key_hash(columns: Sequence[Any], salt: str) -> str:
    """64 bits of the MD5 of the salt and the values as text, each with its length before it: stable for ever."""
    # negative zero is zero
    values = [sql.canonical(column) + (" + 0" if column.type == "float" else "") for column in columns]
    parts = " || ".join(f"length({value}) || ':' || {value}" for value in (f"({value})::varchar" for value in values))
    return f"md5_number_lower({sql.text(salt)} || {parts})"


class _Plan:
    """Which questions go together."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.keys: list[Repeats] = []
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
                is_key = len(question.columns) == 1 and question.nulls == "apart" and not question.where
                (self.keys if is_key else self.repeats).append(question)
            else:
                self.others.append(question)


def _repeated(found: list[tuple[Any, ...]]) -> Repeated:
    rows, groups = found[0]
    return Repeated(int(rows), int(groups))


@dataclass(frozen=True)
class _Keys:
    """The repeats of one column, and the table of the values that repeat."""

    repeated: Repeated
    table: str


class _Suspects:
    """Rows that may be alike, as their key repeats, fetched by the scan that answers everything else."""

    def __init__(self, relation: Relation, questions: Sequence[Repeats], keys: Mapping[str, _Keys]) -> None:
        self.expressions: list[str] = []
        self.found: list[Any] = []
        self._keys: dict[Repeats, str] = {}
        for question in questions:
            key = next((column for column in question.columns if column in keys), None)
            if key is None or question.where or keys[key].repeated.rows > SUSPECTS:
                continue
            columns = [relation.column(item) for item in question.columns]
            if any(column.type not in _PLAIN for column in columns):
                continue
            fields = ", ".join(f"c{number} := {sql.plain(column)}" for number, column in enumerate(columns))
            repeats = f"{sql.plain(relation.column(key))} in (select k from {keys[key].table})"
            self._keys[question] = key
            self.expressions += [
                f"list(struct_pack({fields})) filter (where {repeats})",
                f"count(*) - count({sql.name(key)})",
            ]

    def forget(self) -> None:
        self.expressions, self._keys = [], {}

    def key(self, question: Repeats) -> str:
        return self._keys[question]

    def repeated(self, question: Repeats) -> tuple[Repeated, int] | None:
        """The repeats among the rows that have a key, and how many rows have none; None where they were not fetched."""
        if question not in self._keys:
            return None
        start = 2 * list(self._keys).index(question)
        rows, holes = self.found[start : start + 2]
        counted = Counter(tuple(row.values()) for row in rows or ())
        if question.nulls == "apart":
            counted = Counter({row: times for row, times in counted.items() if None not in row})
        groups = [times for times in counted.values() if times > 1]
        return Repeated(sum(groups), len(groups)), int(holes)


def _sum(one: Repeated, other: Repeated) -> Repeated:
    return Repeated(one.rows + other.rows, one.groups + other.groups)


def _read(question: Question, values: list[Any], columns: Mapping[str, Column]) -> Answer:
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
        if len(values) == 2:
            # of edges with no whole number between them, the first has what lies below both
            left = {edge: int(counts.get(edge, 0)) for edge in sql.whole_edges(question, columns[question.column])}
            below = [left.pop(edge, 0) for edge in sql.whole_edges(question, columns[question.column])]
            return (*below, int(values[1]) - sum(below))
        return (*(int(counts.get(edge, 0)) for edge in question.edges), int(counts.get(math.inf, 0)))
    assert isinstance(question, Categories)
    if len(values) == len(question.known) + 1 and not isinstance(first, dict):
        found = [int(value or 0) for value in values]
        return (*found[:-1], found[-1] - sum(found[:-1]))
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
