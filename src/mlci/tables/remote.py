"""Tables where data outgrow the machine: every question as a query to a backend of ibis.

Nothing is written there but temporary views of files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlci import keys as keys_file
from mlci.errors import LimitReached, UsageError
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
from mlci.tables import user_sql
from mlci.tables.connection import Connection, Expr, Source
from mlci.tables.plain import key_hash, quantiles, text
from mlci.tables.terms import Scalar, Terms, columns_of, fetched_value

if TYPE_CHECKING:
    from mlci.ports import Array

MAX_CELLS = 50_000_000
"""Values that are brought to this machine at once."""
AT_ONCE = 500
"""Expressions of one query; databases have their limits."""
NARROW = 32
"""Bins or categories up to which they are counted beside everything else; more are grouped, in a query of their own."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


class RemoteTable:
    """One dataset on a connection of its own."""

    def __init__(
        self,
        source: Source,
        others: Mapping[str, Callable[[], Any]] = NOTHING,
        keys: Mapping[str, Callable[[], Collection[int]]] = NOTHING,
    ) -> None:
        """``others`` are the tables of other datasets, ``keys`` the hashes that ``Known`` names.

        Raises DatabaseFailed when the database or the table cannot be reached.
        """
        self.source = source
        self._others = others
        self._keys = keys
        self._connection = Connection(source.url, source.label)
        self._terms = self._of(self._connection.table(source))
        self.columns: Sequence[Column] = list(self._terms.columns.values())
        self.notes: Sequence[str] = (f"read by {self._connection.name} through ibis",)
        self.scanned: int | None = None

    def _of(self, table: Expr) -> Terms:
        return Terms(table, columns_of(table), self._connection.has_nan, self._connection.is_spark)

    # -- the table itself

    def rows(self) -> int:
        return self._count(self._terms.table)

    def nulls(self, names: Sequence[str]) -> dict[str, int]:
        table = self._terms.table
        counted = self._values(table, [table.count(where=~self._terms.present(name)) for name in names])
        return {name: int(count or 0) for name, count in zip(names, counted, strict=True)}

    def arrays(self, names: Sequence[str]) -> dict[str, Array]:
        cells = self.rows() * len(names)
        if cells > MAX_CELLS:
            raise LimitReached(f"`{self.source.label}` has {cells:,} values to load; at most {MAX_CELLS:,} are")
        rows = self._cells(self._terms.table, names)
        kinds = [self._terms.column(name).type for name in names]
        return {
            name: _array(kind, [fetched_value(row[index], kind) for row in rows])
            for index, (name, kind) in enumerate(zip(names, kinds, strict=True))
        }

    def close(self) -> None:
        self._connection.close()

    # -- questions

    def answer(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        wanted = list(dict.fromkeys(questions))
        together = [question for question in wanted if isinstance(question, Scalar) and not _is_wide(question)]
        answers = self._together(together)
        for question in wanted:
            if question not in answers:
                answers[question] = self._alone(question)
        return {question: answers[question] for question in wanted}

    def query(self, question: RowQuestion) -> str:
        if isinstance(question, Known):
            return ""  # the hashes are no table of anybody else's
        if isinstance(question, Selected):
            return self._selected(question, pretty=True)[0]
        return self._connection.sql(self._meant(question), pretty=True)

    def sample(self, question: RowQuestion, columns: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        """As text, None for what is missing or what a query does not return."""
        there = list(columns)
        if isinstance(question, Known):
            found = self._known(question, there)[:limit]
        elif isinstance(question, Selected):
            sql, returned = self._selected(question)
            there = [name for name in columns if name in returned or "*" in returned]
            rows = self._connection.queried(sql, {name: self._terms.table[name].type() for name in there or columns})
            # a query of other columns has rows all the same
            found = self._cells(rows.limit(limit), there) if there else [()] * min(limit, self._count(rows))
        else:
            found = self._cells(self._meant(question).limit(limit), there)
        told = [dict(zip(there, row, strict=True)) for row in found]
        return [tuple(self._told(name, row.get(name)) for name in columns) for row in told]

    def _told(self, name: str, cell: Any) -> str | None:
        return None if cell is None or cell != cell else self._terms.text(name, cell)

    # -- many questions in one query

    def _together(self, questions: Sequence[Scalar]) -> dict[Question, Answer]:
        wheres = list(dict.fromkeys(where for question in questions if (where := getattr(question, "where", ""))))
        terms = self._of(self._marked(wheres))
        flags = {where: terms.table[_flag(index)] for index, where in enumerate(wheres)}
        parts = [terms.aggregates(question, flags.get(getattr(question, "where", ""))) for question in questions]
        values = iter(self._values(terms.table, [expression for part in parts for expression in part]))
        return {
            question: self._read(question, [next(values) for _ in part])
            for question, part in zip(questions, parts, strict=True)
        }

    def _marked(self, wheres: Sequence[str]) -> Expr:
        """The table with one more boolean column for each condition of the user's."""
        table = self._terms.table
        if not wheres:
            return table
        marks = [user_sql.condition(where, _flag(index)) for index, where in enumerate(wheres)]
        tree = user_sql.marked(self._connection.parsed(table), marks)
        schema = dict(table.schema().items()) | {_flag(index): "boolean" for index in range(len(wheres))}
        return self._connection.queried(self._connection.written(tree), schema)

    def _read(self, question: Scalar, values: list[Any]) -> Answer:
        if isinstance(question, Extreme):
            found: Answer = fetched_value(values[0], self._terms.column(question.column).type)
            return found
        counts = [int(value or 0) for value in values]
        if isinstance(question, Histogram):
            return tuple(later - before for before, later in pairwise([0, *counts]))
        if isinstance(question, Categories):
            return (*counts[:-1], counts[-1] - sum(counts[:-1]))
        return counts[0]

    # -- questions that need a query of their own

    def _alone(self, question: Question) -> Answer:
        match question:
            case Repeats():
                groups = self._grouped(self._looked_at(question), question.columns)
                return self._repeated(groups.filter(groups.n > 1))
            case Shared():
                return self._repeated(self._grouped(self._meant(question), question.columns))
            case Known():
                return len(self._known(question, ()))
            case Selected():
                return self._count(self._connection.queried(self._selected(question)[0], {"n": "int64"}))
            case Hashes():
                return keys_file.pack(sorted({key for key, _ in self._hashed(question)}))
            case TopValues():
                return self._top(question)
            case Distinct():
                values = self._present(question.column, self._terms.value(question.column))
                return self._count(values.distinct().limit(question.most + 1))
            case Quantiles():
                return self._quantiles(question)
            case Histogram():
                return self._wide_histogram(question)
            case Categories():
                return self._wide_categories(question)
        raise AssertionError(question)

    def _top(self, question: TopValues) -> tuple[tuple[str, int], ...]:
        values = self._counted(question.column, self._terms.fetched(question.column))
        # moments and days are text already, and in the order of it
        first = values.order_by([values.n.desc(), values.v.cast("string")]).limit(question.most)
        found = [(self._terms.text(question.column, value), int(n)) for value, n in self._connection.rows(first)]
        return tuple(sorted(found, key=lambda item: (-item[1], item[0])))

    def _quantiles(self, question: Quantiles) -> tuple[float, ...]:
        number = self._terms.number(question.column)
        values = self._present(question.column, number)
        rows = self._count(values)
        if rows > question.exact:
            values = self._connection.sampled(values, ceil(rows / question.exact))
        # equal values travel once
        found = self._connection.rows(values.group_by("v").aggregate(n=values.count()))
        ordered = [value for value, n in sorted(found) for _ in range(n)]
        return quantiles(ordered, question.shares)

    def _wide_histogram(self, question: Histogram) -> tuple[int, ...]:
        found = dict(self._connection.rows(self._counted(question.column, self._terms.bin_of(question))))
        return tuple(int(found.get(index, 0)) for index in range(len(question.edges) + 1))

    def _wide_categories(self, question: Categories) -> tuple[int, ...]:
        terms = self._terms
        held = terms.present(question.column)
        rows = terms.table.filter(held & terms.reads(question.column, question.known))
        values = rows.select(v=self._of(rows).fetched(question.column))
        found: Counter[str] = Counter()
        for value, n in self._connection.rows(values.group_by("v").aggregate(n=values.count())):
            found[terms.text(question.column, value)] += int(n)
        counts = [found[item] for item in question.known]
        return (*counts, int(self._values(terms.table, [terms.table.count(where=held)])[0]) - sum(counts))

    def _present(self, name: str, value: Expr) -> Expr:
        return self._terms.table.filter(self._terms.present(name)).select(v=value)

    def _counted(self, name: str, value: Expr) -> Expr:
        values = self._present(name, value)
        return values.group_by("v").aggregate(n=values.count())

    def _grouped(self, rows: Expr, columns: Sequence[str]) -> Expr:
        terms = self._of(rows)
        keys = rows.select(**{f"k{index}": terms.key(name) for index, name in enumerate(columns)})
        return keys.group_by(keys.columns).aggregate(n=keys.count())

    def _repeated(self, groups: Expr) -> Repeated:
        rows, number = self._values(groups, [groups.n.sum(), groups.count()])
        return Repeated(int(rows or 0), int(number))

    # -- the rows themselves

    def _looked_at(self, question: Count | Repeats | Shared) -> Expr:
        """The rows that a question may count."""
        rows = self._terms.table
        if question.where:
            marked = self._marked([question.where])
            rows = marked.filter(marked[_flag(0)]).drop(_flag(0))
        if not isinstance(question, Count) and question.nulls == "apart":
            rows = rows.filter(self._of(rows).all_present(question.columns))
        return rows

    def _meant(self, question: Rows | Count | Repeats | Shared) -> Expr:
        if isinstance(question, Rows):
            return self._terms.table
        rows = self._looked_at(question)
        terms = self._of(rows)
        if isinstance(question, Count):
            return rows.filter(terms.holds(question.test)) if question.test else rows
        if isinstance(question, Repeats):
            import ibis

            alike = ibis.window(group_by=[terms.key(name) for name in question.columns])
            counted = rows.mutate(mlci_n=rows.count().over(alike))
            return counted.filter(counted.mlci_n > 1).drop("mlci_n")
        return terms.shared(question, self._of(self._other(question.dataset)))

    def _other(self, name: str) -> Expr:
        """Another dataset, read by this table's own connection."""
        if name not in self._others:
            raise UsageError(f"there is no dataset `{line(name)}`")
        other = self._others[name]()
        source = getattr(other, "source", None)
        if source is None or source.url != self.source.url:
            raise UsageError(
                f"`{line(name)}` is not in the database of `{self.source.label}`: their rows cannot be compared there",
                hint="give both datasets the same connection",
            )
        return self._connection.table(source)

    def _selected(self, question: Selected, *, pretty: bool = False) -> tuple[str, list[str]]:
        def source(name: str) -> Any:
            return self._connection.parsed(self._terms.table if name == "data" else self._other(name))

        tree, returned = user_sql.query(question.sql, source)
        return self._connection.written(tree, pretty=pretty), returned

    def _known(self, question: Known, more: Sequence[str]) -> list[tuple[Any, ...]]:
        """The cells in ``more`` of the rows whose key is known."""
        hashes = frozenset(self._keys[question.dataset]())
        return [cells for key, cells in self._hashed(question, more) if key in hashes]

    def _hashed(self, question: Known | Hashes, more: Sequence[str] = ()) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The hash of every row that has one, and its cells in ``more``."""
        rows = self._terms.table.filter(self._terms.all_present(question.columns))
        limit = MAX_CELLS // len(question.columns)
        if self._count(rows) > limit:
            raise LimitReached(f"`{self.source.label}` has more than {limit:,} keys; they are hashed on this machine")
        kinds = [self._terms.column(name).type for name in question.columns]
        for row in self._cells(rows, [*question.columns, *more]):
            texts = [text(fetched_value(cell, kind)) for cell, kind in zip(row, kinds, strict=False)]
            yield key_hash(question.salt, texts), row[len(kinds) :]

    # -- what is brought here

    def _cells(self, rows: Expr, names: Iterable[str]) -> list[tuple[Any, ...]]:
        terms = self._of(rows)
        return self._connection.rows(rows.select(**{f"c{i}": terms.fetched(name) for i, name in enumerate(names)}))

    def _count(self, rows: Expr) -> int:
        return int(self._values(rows, [rows.count()])[0])

    def _values(self, table: Expr, expressions: Sequence[Expr]) -> list[Any]:
        """The values of aggregates of a table."""
        values: list[Any] = []
        for start in range(0, len(expressions), AT_ONCE):
            named = {f"a{index}": expression for index, expression in enumerate(expressions[start : start + AT_ONCE])}
            values += self._connection.rows(table.aggregate(**named))[0]
        return values


def _flag(index: int) -> str:
    return f"mlci_where_{index}"


def _is_wide(question: Scalar) -> bool:
    return len(getattr(question, "edges", getattr(question, "known", ()))) > NARROW


def _array(kind: str, cells: list[Any]) -> Array:
    import numpy as np

    if kind in ("int", "float"):
        whole = kind == "int" and all(cell is not None and abs(cell) < 2**63 for cell in cells)
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.int64 if whole else np.float64)
    if kind == "bool" and None not in cells:
        return np.array(cells, dtype=np.bool_)
    array = np.empty(len(cells), dtype=object)
    array[:] = [text(cell) if isinstance(cell, date) else cell for cell in cells]
    return array


def open_remote(
    connection: str,
    table: str | None,
    files: Sequence[Path],
    kind: str,
    label: str,
    others: Mapping[str, Callable[[], Any]] = NOTHING,
    keys: Mapping[str, Callable[[], Collection[int]]] = NOTHING,
) -> RemoteTable:
    """The table of that name at an address of ibis, or the one that files hold together.

    ``others`` are the tables of other datasets by name: such as are opened at the same address.
    Raises MissingExtra, UsageError or DatabaseFailed.
    """
    return RemoteTable(Source(connection, table, tuple(files), kind, label), others, keys)
