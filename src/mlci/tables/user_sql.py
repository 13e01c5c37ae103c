"""The SQL that manifests hold, which is DuckDB's, for any backend: read, held to be harmless, and written anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from mlci.errors import UsageError
from mlci.escape import line
from mlci.tables.patterns import SPARK, java

Tree: TypeAlias = Any
"""Of sqlglot, which ibis brings."""


def condition(where: str, name: str) -> Tree:
    """A condition as a column of that name. Raises UsageError for anything else."""
    import sqlglot

    try:
        found = sqlglot.parse_one(where, dialect="duckdb", into=sqlglot.expressions.Condition)
        return sqlglot.expressions.alias_(sqlglot.expressions.paren(found), name, quoted=True)
    except sqlglot.errors.SqlglotError:
        raise UsageError(f"`where` is `{line(where)[:200]}`, expected one condition") from None


def query(sql: str, source: Callable[[str], Tree]) -> tuple[Tree, list[str]]:
    """A query over ``{names}``, each read from its source, and the columns it returns; ``*`` among them is all of them.

    Raises UsageError unless it is one query that writes nothing.
    """
    import sqlglot
    from sqlglot import expressions as exp

    named = {name: f"mlci_source_{number}" for number, name in enumerate(braces(sql))}
    for name, alias in named.items():
        sql = sql.replace("{" + name + "}", f'"{alias}"')
    try:
        tree = sqlglot.parse_one(sql.strip().rstrip(";"), dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        described = getattr(error, "errors", None) or [{"description": str(error)}]
        raise UsageError(f"the query is not SQL: {line(str(described[0]['description']))[:300]}") from None
    if not isinstance(tree, exp.Query) or tree.find(exp.DML, exp.DDL, exp.Command, exp.Into):
        raise UsageError("the query is not a SELECT", hint="write one SELECT, in the SQL of DuckDB")
    returned = [name or "" for name in tree.named_selects]
    whole = sqlglot.select("*").from_(tree.subquery("mlci_query"))
    for name, alias in named.items():
        whole = whole.with_(exp.to_identifier(alias, quoted=True), as_=source(name))
    return whole, returned


def marked(table: Tree, marks: Sequence[Tree]) -> Tree:
    """Every column of a table, and the marks."""
    import sqlglot

    return sqlglot.select("*", *marks).from_(table.subquery("data"))


def written(tree: Tree, dialect: Any, engine: str, *, pretty: bool = False) -> str:
    """The SQL of a backend of ibis. Raises UsageError for what it cannot say."""
    import sqlglot

    tree = tree.copy()
    if engine != "duckdb":
        _same_patterns(tree, engine)
    try:
        return str(tree.sql(dialect, unsupported_level=sqlglot.ErrorLevel.RAISE, pretty=pretty))
    except sqlglot.errors.SqlglotError as error:
        raise UsageError(f"the SQL cannot be said to {engine}: {line(str(error))[:300]}") from None


def _same_patterns(tree: Tree, engine: str) -> None:
    """Let patterns find what they find in DuckDB; sqlglot changes the name of the function and no more."""
    from sqlglot import expressions as exp

    if tree.find(exp.RegexpReplace):
        raise UsageError(f"`regexp_replace` of {engine} is another function than that of DuckDB")
    for node in tree.find_all(exp.RegexpLike, exp.RegexpExtract):
        flags = node.args.get("flag") or node.args.get("parameters")
        options = flags.name.replace("c", "") if flags else ""
        if not isinstance(node.expression, exp.Literal) or options.strip("is"):
            raise UsageError(f"the pattern of `{line(node.sql('duckdb'))[:200]}` cannot be said to {engine}")
        pattern = f"(?{options}){node.expression.name}" if options else node.expression.name
        if engine in SPARK:
            pattern = java(pattern)
        elif engine == "snowflake" and isinstance(node, exp.RegexpLike):
            pattern = f"(?s).*({pattern}).*"  # it holds patterns against the whole text
        node.set("expression", exp.Literal.string(pattern))
        node.set("flag", None)
        node.set("parameters", None)


def braces(sql: str) -> list[str]:
    """The datasets that a query names. A number in braces repeats a part of a pattern, a colon makes a struct."""
    return list(dict.fromkeys(re.findall(r"\{(?!\d+\})([^{}\s:,'\"]{1,100})\}", sql)))
