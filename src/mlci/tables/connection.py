"""A connection to a database through ibis: what it opens, what it answers, and how it fails without telling secrets."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from mlci.errors import MissingExtra, MlciError, OutsideFailed, UsageError
from mlci.escape import line
from mlci.tables import user_sql
from mlci.tables.patterns import SPARK

Expr: TypeAlias = Any
"""Of ibis, which ships no types."""
SEED = 7
_READERS = {"parquet": "read_parquet", "text": "read_csv", "json-lines": "read_json"}


class DatabaseFailed(OutsideFailed):
    """A database did not do what it was asked."""

    code = "database"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a table is: by its name in a database, or in files that the database's engine reads."""

    url: str
    table: str | None
    files: tuple[Path, ...]
    kind: str
    label: str


class Connection:
    """One backend of ibis. Answers one query at a time."""

    def __init__(self, url: str, label: str) -> None:
        """``label`` is the dataset that errors are told of. Raises DatabaseFailed when there is no way there."""
        try:
            import ibis
        except ImportError as error:
            raise MissingExtra("remote", error.name or "ibis") from None
        self._url = url
        self._label = label
        self._lock = threading.RLock()
        with self.guard():
            try:
                self.backend = ibis.connect(url)
            except ImportError as error:
                scheme = urlsplit(url).scheme
                raise UsageError(
                    f"`{label}` cannot be reached: {error.name or scheme} is not installed",
                    hint=f"pip install 'ibis-framework[{line(scheme)}]'",
                ) from None
            except ValueError:
                raise UsageError(
                    f"`{label}` cannot be reached: its connection is no address that ibis knows",
                    hint="such as duckdb:///path/file.duckdb or bigquery://project/dataset",
                ) from None
            self.has_nan = bool(self.backend.has_operation(ibis.expr.operations.IsNan))
        self.name = str(self.backend.name)
        self.is_spark = self.name in SPARK

    def table(self, source: Source) -> Expr:
        """The table of a source, as an expression."""
        with self.guard():
            if source.table is not None:
                *database, name = source.table.split(".")
                return self.backend.table(name, database=tuple(database) or None)
            if source.kind not in _READERS:
                raise UsageError(f"`{source.label}` is {source.kind}, and a database reads {', '.join(_READERS)}")
            tables = [self._file(source, path) for path in source.files]
            return tables[0].union(*tables[1:], distinct=False) if len(tables) > 1 else tables[0]

    def _file(self, source: Source, path: Path) -> Expr:
        # views live as long as a session, which others may share: the name tells this file from every other
        told = re.sub(r"\W+", "_", source.label.lower(), flags=re.ASCII).strip("_")
        name = f"mlci_{told}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
        # Spark's own way of quoting in CSV is that of no other program
        options = {"escape": '"', "multiLine": True} if (source.kind, self.name) == ("text", "pyspark") else {}
        return getattr(self.backend, _READERS[source.kind])(str(path), table_name=name, **options)

    def rows(self, expression: Expr) -> list[tuple[Any, ...]]:
        """The rows of a table expression."""
        with self.guard():
            if self.name == "pyspark":
                # without pandas, which has no whole numbers beside NULL, and no moment before 1678
                return [tuple(row) for row in self.backend.raw_sql(self.backend.compile(expression)).collect()]
            found = self.backend.to_pyarrow(expression)
            return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def sql(self, expression: Expr, *, pretty: bool = False) -> str:
        """The query that an expression is for this database."""
        with self.guard():
            return str(self.backend.compile(expression, pretty=pretty))

    def parsed(self, expression: Expr) -> Any:
        """The same as a tree of sqlglot."""
        import sqlglot

        return sqlglot.parse_one(self.sql(expression), dialect=self.backend.dialect)

    def written(self, tree: Any, *, pretty: bool = False) -> str:
        """The query of a tree. Raises UsageError for what this database cannot say."""
        return user_sql.written(tree, self.backend.dialect, self.name, pretty=pretty)

    def sampled(self, table: Expr, step: int) -> Expr:
        """One of ``step`` rows, the same ones each time."""
        import ibis

        if self.is_spark:  # Spark, whose seeds ibis does not know, and sqlglot loses
            sql = f"select * from ({self.sql(table)}) as t where rand({SEED}) < {1 / step:.12f}"
            return self.queried(sql, dict(table.schema().items()))
        sampled = table.sample(1 / step, method="row", seed=SEED)
        try:
            self.backend.compile(sampled)
        except ibis.common.exceptions.IbisError:
            # without seeds, by the order of all columns: each run draws the same, for the price of a sort
            order = ibis.window(order_by=[table[name] for name in table.columns])
            numbered = table.mutate(mlci_row=ibis.row_number().over(order))
            return numbered.filter(numbered.mlci_row % step == 0).drop("mlci_row")
        return sampled

    def queried(self, sql: str, schema: dict[str, Any]) -> Expr:
        """The rows of a query in this database's SQL, as an expression."""
        # the schema is told: with DuckDB 2, ibis 12 cannot ask for it
        return self.backend.sql(sql, schema=schema)

    def close(self) -> None:
        # a session of Spark is one for the whole process: others may be reading in it
        if self.name != "pyspark":
            with self.guard():
                self.backend.disconnect()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """One at a time; whatever a backend raises becomes one line of mlci's."""
        with self._lock:
            try:
                yield
            except MlciError:
                raise
            except Exception as error:  # noqa: BLE001  # each backend has a tree of errors of its own
                told = masked(_first_line(error), self._url)
                raise DatabaseFailed(f"`{self._label}`: {line(told)[:300]}") from None


def masked(message: str, url: str) -> str:
    """A message without the address's user, password and options, however they are written in it."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    secrets = {account, *account.split(":", 1), *(value for _, value in parse_qsl(parts.query)), parts.query}
    for secret in sorted(secrets | {unquote(secret) for secret in secrets}, key=len, reverse=True):
        if secret:
            message = message.replace(secret, "***")
    return re.sub(r"://[^/@\s]+@", "://***@", message)


def _first_line(error: Exception) -> str:
    wanted: Sequence[str] = [part for part in str(error).splitlines() if part.strip()]
    # ibis tells a table that is not there by its bare name
    return ": ".join([type(error).__name__, *(part.strip() for part in wanted[:1])])
