"""One DuckDB database for the datasets of a model, sealed before anything of a stranger is read. Imports duckdb.

What is asked of it may be the SQL of somebody's pull request, and its files somebody's files. So it opens no path but
those it was given, loads no extension, sees no variable of Python's, and its settings are locked; and whatever a table
is asked, it is asked in a transaction that may not write.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlci import quantities
from mlci.content import KINDS
from mlci.errors import LimitReached, MissingExtra, UsageError
from mlci.escape import line
from mlci.ports import Column
from mlci.questions import Answer, Question, RowQuestion
from mlci.tables import arrows, csvs, databases, folders, jsonl, parquets, quoted, samples, sql, sqlites
from mlci.tables.reading import Ask, Files, Source, described
from mlci.tables.scan import Scan
from mlci.tables.sql import Relation
from mlci.tables.unreadable import MAX_COLUMNS, UnreadableData, folded, of_duckdb, refuse_doubles, too_wide

if TYPE_CHECKING:
    from mlci.ports import Array

__all__ = ["MAX_CELLS", "READS", "DuckTable", "UnreadableData", "Warehouse", "open_table"]

READS: Mapping[str, Callable[[Files], Source]] = MappingProxyType(
    {
        "parquet": parquets.read,
        "text": csvs.read,
        "text-utf-16": csvs.read,
        "text-8-bit": csvs.read,
        "json-lines": jsonl.read,
        "json": jsonl.read,
        "arrow": arrows.read,
        "arrow-stream": arrows.read,
        "duckdb": databases.read,
        "sqlite": sqlites.read,
    }
)
"""Kinds of content that are read as tables (``content.KINDS``)."""
_TEXT = ("text", "text-utf-16", "text-8-bit")
_SUFFIXES = {
    ".csv": _TEXT,
    ".tsv": _TEXT,
    ".txt": _TEXT,
    ".gz": (),
    ".parquet": ("parquet",),
    ".jsonl": ("json-lines", "json"),
    ".ndjson": ("json-lines", "json"),
    ".json": ("json-lines", "json"),
    ".arrow": ("arrow", "arrow-stream"),
    ".arrows": ("arrow", "arrow-stream"),
    ".feather": ("arrow",),
    ".duckdb": ("duckdb",),
    ".sqlite": ("sqlite",),
    ".sqlite3": ("sqlite",),
}

NOTHING: Mapping[str, Any] = MappingProxyType({})
MAX_CELLS = 500_000_000
"""Values that are loaded into memory at once; a number takes eight bytes."""
PARSED_ONCE = 1 << 30
"""Bytes of files that are parsed once, and their rows kept; larger ones are parsed again for each question."""
MEMORY = 1 << 30
"""Bytes that the database may take, where nobody says another number; half of what the machine has, if that is less."""
GROUPED = 128 << 20
"""Bytes of one hash table; one that would be larger is made in parts that the processor's caches hold: quicker, too."""
SECONDS = 1800.0
"""What one question may take, where nobody says another number."""
MAX_SPILLED = 50 << 30
"""Bytes that it may write to its temporary folder; nine tenths of what is free there, if that is less."""
_READING = "begin transaction read only"
_ASKED = ("SELECT", "EXPLAIN", "CREATE", "DROP")
"""Statements that a table is asked: what is made is temporary. COPY would write a file, if it is one of a dataset."""
_TYPES = (
    (r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\(\d+,0\)", "int"),
    (r"FLOAT|DOUBLE|DECIMAL(\(.*\))?", "float"),
    (r"VARCHAR|ENUM\(.*\)|UUID", "string"),
    (r"BOOLEAN", "bool"),
    (r"DATE", "date"),
    (r"TIMESTAMP.*", "datetime"),
)


class Warehouse:
    """Several datasets in one database. Safe for several threads, one question of a table at a time."""

    def __init__(
        self,
        *,
        threads: int,
        memory: int | None = None,
        allowed: Sequence[Path] = (),
        tables: int = 1,
        seconds: float | None = None,
    ) -> None:
        """``allowed`` are all the files that will ever be opened: no other can be, once it is made.

        ``tables`` is how many are expected; more can be opened. ``seconds`` are what one question may take.
        """
        duckdb = _duckdb()
        self.error: type[Exception] = duckdb.Error
        self.out_of_memory: type[Exception] = duckdb.OutOfMemoryException
        self.interrupted: type[Exception] = duckdb.InterruptException
        self.seconds = seconds or SECONDS
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._tables: list[DuckTable] = []
        self._numbers = itertools.count()
        self._hashing = threading.Lock()
        self._hashed: dict[str, str] = {}
        self._stopped = False
        self._folder = Path(tempfile.mkdtemp(prefix="mlci-"))
        # also when nobody closes it: at the end of the program
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        free = shutil.disk_usage(self._folder).free
        settings = {
            "threads": threads,
            "memory_limit": f"{memory or min(MEMORY, _machine() // 2)}B",
            "temp_directory": str(self._folder / "spill"),
            "max_temp_directory_size": f"{min(MAX_SPILLED, free * 9 // 10)}B",
            # the least, the greatest and the number of missing values that a footer claims are no measurement: a NaN is
            # in none of them, and DuckDB would take its word for that; so that every value is looked at
            "disabled_optimizers": "statistics_propagation",
            # nothing is ever fetched: an extension that is missing is an error
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            # a table of this name would be a variable of whoever asks
            "python_enable_replacements": False,
            # one part of a file ahead of what is worked on: reading is no slower, and holds less
            "read_ahead_depth": 1,
            "async_threads": 1,
        }
        self._database = duckdb.connect(":memory:", config=settings)
        # a setting of each session, and none can be set once it is sealed
        self._cursors = [self._session() for _ in range(tables)]
        self._seal([Path(path) for path in allowed])

    def _session(self) -> Any:
        cursor = self._database.cursor()
        for setting in (
            f"operator_memory_limit = '{GROUPED}B'",
            "enable_progress_bar = true",  # counted, for who asks
            "enable_progress_bar_print = false",
        ):
            cursor.execute(f"set {setting}")
        return cursor

    def _seal(self, allowed: Sequence[Path]) -> None:
        """From here on no other path is opened, and no setting changed; neither can be undone."""
        places = dict.fromkeys(
            written
            for path in allowed
            # as it is, as it is written where it shall be no pattern, and what DuckDB looks for beside a database
            for written in (str(path), quoted.no_glob(str(path)), f"{path}.wal")
        )
        self._database.execute(f"set allowed_paths = [{', '.join(map(quoted.text, places))}]")
        self._database.execute(f"set allowed_directories = [{quoted.text(str(self._folder / 'copies') + '/')}]")
        self._database.execute("set enable_external_access = false")
        self._database.execute("set lock_configuration = true")

    def open(
        self,
        name: str,
        files: Sequence[Path],
        kind: str,
        label: str,
        *,
        csv: Mapping[str, Any] | None = None,
        table: str | None = None,
        sample: tuple[int, int] | None = None,
        root: Path | None = None,
        others: Mapping[str, Callable[[], Any]] = NOTHING,
        keys: Mapping[str, Callable[[], Collection[int]]] = NOTHING,
    ) -> DuckTable:
        """The table that these files, of which each was ``allowed``, hold together.

        ``kind`` is a key of ``READS``; ``csv`` says how CSV files are written, where that shall not be found out;
        ``table`` names one of a database; ``sample`` is how many rows shall be drawn, and by which seed; below ``root``
        (the folder that a pattern begins in) folders named ``key=value`` are columns. ``others`` are the tables of
        other datasets of this warehouse by name, ``keys`` the hashes that ``Known`` names.
        Raises UnreadableData when the files hold no such table, LimitReached when they are too much.
        """
        if csv and kind not in _TEXT:
            raise UsageError(f"`csv` says how CSV files are read, and `{line(label)}` is {KINDS[kind]}")
        if table is not None and kind not in ("duckdb", "sqlite"):
            raise UsageError(f"`table` names one table of a database, and `{line(label)}` is {KINDS[kind]}")
        with self._lock:
            ident = self._free(f"data_{name}")
            cursor = self._cursors.pop() if self._cursors else self._database.cursor()
            opened = DuckTable(self, cursor, label, ident, others, keys)
            self._tables.append(opened)
        try:
            opened.read(files, kind, dict(csv or {}), table, root or folders.common(files))
            if sample is not None:
                opened.draw(*sample)
        except BaseException:
            opened.close()
            raise
        return opened

    def _free(self, name: str) -> str:
        found = name
        for number in itertools.count(2):
            if folded(found) not in self._names:
                break
            found = f"{name}_{number}"
        self._names.add(folded(found))
        return found

    def scratch(self) -> Path:
        """A new path in the private folder."""
        folder = self._folder / "copies"
        folder.mkdir(exist_ok=True)
        return folder / str(next(self._numbers))

    def hashes(self, dataset: str, numbers: Callable[[], Collection[int]], run: Ask) -> str:
        """A relation with the key hashes of a dataset in the column ``h``; made once."""
        with self._hashing:
            if dataset not in self._hashed:
                with self._lock:
                    relation = quoted.name(self._free(f"keys_{dataset}"))
                every = list(numbers())
                run(f"create table {relation} (h ubigint)")
                for start in range(0, len(every), 100_000):
                    run(f"insert into {relation} select unnest(?::ubigint[])", [every[start : start + 100_000]])
                self._hashed[dataset] = relation
        return self._hashed[dataset]

    def go_on(self) -> None:
        if self._stopped:
            raise LimitReached("reading the data was interrupted")

    def progress(self) -> dict[str, float]:
        """The tables that are being asked something that takes its time, by label, and how far it is, from 0 to 1."""
        asked = {table.label: table.progress() for table in list(self._tables)}
        return {label: done for label, done in asked.items() if 0 < done < 1}

    def interrupt(self) -> None:
        """End whatever is asked, from another thread, and answer nothing more."""
        self._stopped = True
        for table in list(self._tables):
            table.interrupt()

    def close(self) -> None:
        """Needs no table any more: what is still asked is ended. What was spilled is removed."""
        self.interrupt()
        with self._lock:
            tables, self._tables = list(self._tables), []
        for table in tables:  # not under the lock: a table may end its warehouse in turn
            table.close()
        self._database.close()
        self._remove()


class DuckTable:
    """One dataset, possibly of many files."""

    def __init__(
        self,
        warehouse: Warehouse,
        cursor: Any,
        label: str,
        ident: str,
        others: Mapping[str, Callable[[], Any]],
        keys: Mapping[str, Callable[[], Collection[int]]],
    ) -> None:
        self.warehouse = warehouse
        self._others = others
        self._keys = keys
        self._scanner: Scan | None = None
        self._answering = threading.RLock()
        self._cursor = cursor
        self.label = label
        self._ident = ident
        self._lock = threading.Lock()
        self._closed = False
        self._files: dict[Path, str] = {}
        self._source = Source(None)
        self._whole: Callable[[], None] = lambda: None
        self.view = quoted.name(ident)
        """The table, as an identifier of the warehouse's SQL."""
        self.sample_view = self.view
        """The sample of it that was asked for; the table itself where it has no more rows than that."""
        self.columns: tuple[Column, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.scanned: int | None = None

    # -- opening

    def read(self, files: Sequence[Path], kind: str, csv: dict[str, Any], table: str | None, root: Path) -> None:
        """Make the view or the table; called once, by ``Warehouse.open``."""
        self._files = {path: path.relative_to(root).as_posix() if len(files) > 1 else "" for path in files}
        keys = () if kind in ("duckdb", "sqlite") else folders.keys(files, root, self.label)
        given = Files(
            files=tuple(files),
            label=self.label,
            ask=self._run,
            go_on=self.warehouse.go_on,
            scratch=self.warehouse.scratch,
            take=self._take,
            ident=self._ident,
            keys=keys,
            foreign=folders.foreign(root) if keys else (),
            csv=csv,
            table=table,
            root=root,
            small=sum(path.stat().st_size for path in files) <= PARSED_ONCE,
        )
        source = READS[kind](given)
        if source.table is not None and source.kept:
            self._keep(source)
        elif source.table is not None:
            query = f"select {source.chosen} from {source.table}"
            self._run(f"create view {self.view} as {self._without_nan(query)}")
        else:  # it was made batch by batch
            for name, native in described(self._run, f"from {self.view}"):
                if native in sql.FLOATS:
                    column = quoted.name(name)
                    self._run(f"update {self.view} set {column} = null where isnan({column})")
        self._source = replace(source, table=None, chosen="*", numbered="0, rowid") if source.kept else source
        self.columns = tuple(
            Column(name, _type(native), native) for name, native in described(self._run, f"from {self.view}")
        )
        if len(self.columns) > MAX_COLUMNS:
            raise too_wide(self.label, len(self.columns))
        refuse_doubles(self.label, [column.name for column in self.columns])
        self.notes = (*source.notes, *_misnamed(files, kind))

    def _keep(self, source: Source) -> None:
        query = f"select {source.chosen} from {source.table}"
        # a column without a value has no type of its own, and a table would call it a number
        untyped = [quoted.name(name) for name, native in described(self._run, query) if native == '"NULL"']
        typed = ", ".join(f"{name}::varchar as {name}" for name in untyped)
        whole = f"select * replace ({typed}) from ({query})" if typed else query
        self._run(f"create table {self.view} as {self._without_nan(whole)}")

    def _without_nan(self, query: str) -> str:
        return sql.without_nan(query, dict(described(self._run, query)))

    def draw(self, rows: int, seed: int) -> None:
        """Keep a sample of the rows, beside them."""
        total = self.rows()
        if rows >= total:
            return
        sample = quoted.name(f"sample_{self._ident}")
        samples.draw(self._run, self._source, self.view, sample, total, rows, seed, self._without_nan)
        self.sample_view = sample
        self.scanned = int(self._ask(f"select count(*) from {self.sample_view}")[0][0])

    def _take(self, sql: str, batches: Any) -> None:
        with self._lock, self._in_words():
            self._cursor.register("mlci_batches", batches)
        try:
            self._run(sql.format("mlci_batches"))
        finally:
            with self._lock:
                self._cursor.unregister("mlci_batches")

    # -- asking

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What one statement returns; it may write nothing but temporary tables.

        Raises UnreadableData for what DuckDB cannot do, LimitReached for want of memory.
        """
        found: list[tuple[Any, ...]] = self._within(_READING, sql, (), "fetchall")
        return found

    def _run(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The same for our own statements, which make what is asked about."""
        found: list[tuple[Any, ...]] = self._within("begin transaction", sql, parameters, "fetchall")
        return found

    def _within(self, begin: str, sql: str, parameters: Sequence[object], fetch: str) -> Any:
        self.warehouse.go_on()
        with self._lock, self._in_words():
            if self._closed:  # between two statements of one question
                raise LimitReached(f"`{line(self.label)}`: the question was interrupted")
            statements = self._cursor.extract_statements(sql)
            if len(statements) != 1 or (begin == _READING and statements[0].type.name not in _ASKED):
                raise UsageError(f"`{line(sql)[:200]}` is no question", hint="write one SELECT")
            try:
                self._cursor.execute(begin)
                with self._in_time():
                    self._cursor.execute(statements[0], list(parameters) if parameters else None)
                    found = getattr(self._cursor, fetch)()
                self._cursor.execute("commit")
            except BaseException:
                self._roll_back()
                raise
            return found

    def _roll_back(self) -> None:
        """Leave no transaction behind: the next question could not begin its own."""
        for _ in range(100):
            try:
                self._cursor.rollback()
            except self.warehouse.interrupted:
                continue  # whoever interrupts does so until the question has ended, and meets this as well
            except self.warehouse.error:
                return  # it had not begun
            return

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Ends a question that takes longer than it may: SQL can be written that never ends."""
        most = self.warehouse.seconds
        late = threading.Event()

        def end() -> None:
            late.set()
            self._cursor.interrupt()

        timer = threading.Timer(most, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except self.warehouse.interrupted:
            if not late.is_set():
                raise
            raise LimitReached(
                f"`{line(self.label)}`: one question took more than {quantities.show_duration(most)}",
                hint="ask less of it at once, or raise `limits: {query: …}` in mlci.yaml",
            ) from None
        finally:
            timer.cancel()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """DuckDB's errors as our own."""
        try:
            yield
        except self.warehouse.out_of_memory as error:
            raise _memory(error, self.label) from None
        except self.warehouse.interrupted:
            raise LimitReached(f"`{line(self.label)}`: the question was interrupted") from None
        except self.warehouse.error as error:
            raise of_duckdb(error, self.label, self._files) from None

    def relation(self) -> Relation:
        return Relation(self.view, {column.name: column for column in self.columns}, self.label)

    def answer(self, questions: Sequence[Question]) -> dict[Question, Answer]:
        with self._answering:
            return self._scan().answer(questions)

    def query(self, question: RowQuestion) -> str:
        with self._answering:
            return self._scan().query(question)

    def sample(self, question: RowQuestion, columns: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        with self._answering:
            return self._scan().sample(question, columns, limit)

    def _scan(self) -> Scan:
        if self._scanner is None:
            whole = self.relation()
            part = Relation(self.sample_view, whole.columns) if self.scanned is not None else None
            self._scanner = Scan(self._ask, whole, self.label, other=self._other, keys=self._hashes, sample=part)
        return self._scanner

    def _other(self, dataset: str) -> Relation:
        if dataset not in self._others:
            raise UsageError(f"there is no dataset `{line(dataset)}`")
        other = self._others[dataset]()
        if not isinstance(other, DuckTable) or other.warehouse is not self.warehouse:
            raise UsageError(f"`{line(dataset)}` is in another database: its rows cannot be compared with these")
        return other.relation()

    def _hashes(self, dataset: str) -> str:
        if dataset not in self._keys:
            raise UsageError(f"there are no key hashes of `{line(dataset)}`")
        return self.warehouse.hashes(dataset, self._keys[dataset], self._run)

    def rows(self) -> int:
        return int(self._ask(f"select count(*) from {self.view}")[0][0])

    def nulls(self, names: Sequence[str]) -> dict[str, int]:
        if not names:
            return {}
        counted = self._ask(
            "select " + ", ".join(f"count(*) - count({quoted.name(n)})" for n in names) + f" from {self.view}"
        )
        return dict(zip(names, (int(count) for count in counted[0]), strict=True))

    def arrays(self, names: Sequence[str]) -> dict[str, Array]:
        cells = self.rows() * len(names)
        if cells > MAX_CELLS:
            # a small compressed file can hold more rows than a machine has memory for
            raise LimitReached(f"`{self.label}` has {cells:,} values to load; at most {MAX_CELLS:,} are")
        types = {column.name: column for column in self.columns}
        chosen = ", ".join(f"{_plain(types[n])} as {quoted.name(n)}" for n in names)
        sql = f"select {chosen} from {self.view}"
        fetched = self._within(_READING, sql, (), "fetchnumpy")
        return {name: _filled(values) for name, values in fetched.items()}

    def progress(self) -> float:
        """How much of what it is asked now is done, from 0 to 1; 0 when it is asked nothing."""
        return max(0.0, float(self._cursor.query_progress())) / 100

    def interrupt(self) -> None:
        """End the query that another thread is running."""
        with suppress(self.warehouse.error):  # it is closed
            self._cursor.interrupt()

    def close(self) -> None:
        # who interrupts twice closes while a thread has not yet seen the first one; and between two statements
        # nothing is there to be interrupted
        self._closed = True
        while not self._lock.acquire(timeout=0.05):
            self.interrupt()
        try:
            self._cursor.close()
        finally:
            self._lock.release()
        self._whole()

    def closes(self, whole: Callable[[], None]) -> DuckTable:
        """The table, which ends more than itself when it is closed."""
        self._whole = whole
        return self


def open_table(files: Sequence[Path], kind: str, label: str, *, threads: int) -> DuckTable:
    """The table that these files hold together, in a warehouse of its own; ``kind`` is a key of ``READS``."""
    warehouse = Warehouse(threads=threads, allowed=files)
    try:
        return warehouse.open("", files, kind, label).closes(warehouse.close)
    except BaseException:
        warehouse.close()
        raise


def _duckdb() -> Any:
    try:
        import duckdb
        import numpy  # noqa: F401  # fetchnumpy needs it
    except ImportError as error:
        raise MissingExtra("data", error.name or "duckdb") from None
    return duckdb


def _machine() -> int:
    """Bytes of memory that this process may take: the machine's, or those of its control group."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        group = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return found
    return min(found, int(group)) if group.isdigit() else found


def _memory(error: Exception, label: str) -> LimitReached:
    said = str(error).splitlines()[0]
    spilled = "temp" in said.lower()
    of = "the space for temporary files" if spilled else "the memory it may take"
    return LimitReached(
        f"`{line(label)}` needs more than {of}: {line(said)[:200]}",
        hint="ask less of it at once, or of a sample: scan: {rows: 100000}",
    )


def _misnamed(files: Sequence[Path], kind: str) -> tuple[str, ...]:
    """A note on a file that is named as what it is not; what it holds decides."""
    for path in files:
        suffix = path.suffix.lower()
        if kind not in _SUFFIXES.get(suffix, (kind,)):
            return (f"`{line(path.name)}` is named `{suffix}` and read as what it is: {KINDS[kind]}",)
    return ()


def _type(native: str) -> str:
    if native.endswith("]"):
        return "other"
    return next((kind for pattern, kind in _TYPES if re.fullmatch(pattern, native)), "other")


def _filled(values: Any) -> Array:
    """An array without a mask: missing numbers become NaN, anything else missing None."""
    import numpy as np

    mask = np.ma.getmaskarray(values)
    plain = np.asarray(np.ma.getdata(values))
    if not mask.any():
        return plain
    missing = np.nan if plain.dtype.kind in "iuf" else None
    filled = plain.astype(np.float64 if missing is not None else object)
    filled[mask] = missing
    return filled


def _plain(column: Column) -> str:
    """The column as numbers, booleans or text."""
    # dates travel as ISO text: no framework agrees with another on their numbers. Not by a cast, which DuckDB takes
    # into its CSV reader, where it leaves them as they are written
    if column.type in ("date", "datetime"):
        return f"format('{{}}', {quoted.name(column.name)})"
    # UUID: an object of its own in numpy
    if column.type == "other" or column.native == "UUID":
        return f"{quoted.name(column.name)}::varchar"
    return quoted.name(column.name)
