"""What the readers of one format each are given, and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlci.escape import line
from mlci.tables import quoted
from mlci.tables.unreadable import UnreadableData, folded, unreadable


class Ask(Protocol):
    """Run one statement and fetch what it returns."""

    def __call__(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class Files:
    """The files of one dataset, on their way into a database."""

    files: tuple[Path, ...]
    label: str
    ask: Ask
    go_on: Callable[[], None]
    """Raises when somebody has interrupted; called where Python works for long."""
    scratch: Callable[[], Path]
    """A new path in the private folder."""
    take: Callable[[str, Any], None]
    """Run a statement in which ``{}`` stands for batches of Arrow's."""
    ident: str
    """What the table will be called; no other in the database is."""
    keys: tuple[str, ...] = ()
    """Columns that the names of folders give."""
    foreign: tuple[str, ...] = ()
    """Keys of folders above these, which DuckDB reads as well."""
    csv: Mapping[str, Any] | None = None
    table: str | None = None
    small: bool = True
    """Parsed once, and kept."""

    root: Path = Path()
    """The folder below which the files differ."""

    def shown(self, path: Path) -> str:
        """A file as the reader knows it, where there are several; "" where the label names the only one."""
        return path.relative_to(self.root).as_posix() if len(self.files) > 1 else ""

    def mixed(self, path: Path, column: str) -> UnreadableData:
        """What to raise when a file has other columns than the first one."""
        one, other = line(self.shown(path)), line(self.shown(self.files[0]))
        return UnreadableData(
            f"`{line(self.label)}` is no one table: `{one}` and `{other}` differ in the column `{line(column)[:200]}`",
            hint="let the pattern name files of the same columns and types",
        )

    def refuse_hidden(self, names: Iterable[str]) -> None:
        """Raises UnreadableData when a folder would hide a column of the files."""
        keys = {folded(key): key for key in self.keys}
        for name in names:
            if folded(name) in keys:
                raise unreadable(
                    self.label,
                    f"its folders `{line(keys[folded(name)])}=` would hide its own column `{line(name)}`",
                    "name one of them otherwise",
                )

    @property
    def view(self) -> str:
        return quoted.name(self.ident)

    @property
    def hive(self) -> str:
        return f"hive_partitioning = {'true' if self.keys else 'false'}"

    @property
    def chosen(self) -> str:
        """Every column but those of foreign folders."""
        hidden = ", ".join(map(quoted.name, self.foreign)) if self.keys else ""
        return f"* exclude ({hidden})" if hidden else "*"


@dataclass(frozen=True, slots=True)
class Source:
    """How the rows are got. ``table`` is what stands behind FROM; None when the rows are in ``Files.view`` already."""

    table: str | None
    chosen: str = "*"
    kept: bool = False
    """Whether the rows are to be read once, and kept."""
    notes: tuple[str, ...] = ()
    numbered: str = ""
    """Two expressions that number a row of ``table``: its part, and its row in it; "" where it has no numbers."""
    parts: tuple[int, ...] = ()
    """The rows of each part, where there are several."""


def described(ask: Ask, query: str) -> list[tuple[str, str]]:
    """Names and native types of the columns of a query."""
    return [(str(name), str(native)) for name, native, *_ in ask(f"describe {query}")]


def union(queries: Iterable[str]) -> str:
    return " union all by name ".join(queries)
