"""CSV files: the dialect found out or given, the types found out, each once; then read by them.

No line is left out in search of a header, none is a comment, and quotes are those of RFC 4180 unless the manifest says
otherwise: a quote that is never closed shall not pass for text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlci.errors import UsageError
from mlci.escape import line
from mlci.tables import quoted, texts
from mlci.tables.reading import Files, Source, union
from mlci.tables.unreadable import UnreadableData, folded, unreadable

LOOKED_AT = 64 << 20
"""Bytes of a large file that are looked at before DuckDB reads it."""
_USUAL = {"delimiter": ",", "quote": '"'}
_WIDER = (
    ({"BIGINT", "HUGEINT"}, "HUGEINT"),
    ({"BIGINT", "HUGEINT", "DOUBLE"}, "DOUBLE"),
    ({"DATE", "TIMESTAMP"}, "TIMESTAMP"),
)


@dataclass(frozen=True, slots=True)
class _Form:
    """How one file is written; files of the same form are read together."""

    dialect: tuple[tuple[str, str], ...]
    formats: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]


class _NoDialectError(Exception):
    """No separator gives every line as many fields."""


def read(given: Files) -> Source:
    options = _options(given.csv)
    files = [_as_utf8(path, given, options.get("encoding")) for path in given.files]
    forms = []
    for original, path in zip(given.files, files, strict=True):
        try:
            forms.append(_form(path, given.shown(original), given, options))
        except _NoDialectError:
            raise _in_words(path, given.shown(original), given, options) from None
    _refuse_mixed(given, [form[0] for form in forms])
    given.refuse_hidden(name for name, _ in forms[0][0].columns)
    types = _unified(files, forms, given, options)
    plain = [replace(form, columns=tuple((n, types[folded(n)]) for n, _ in form.columns)) for form, _ in forms]
    query = _query(files, plain, forms, types, given, options)
    notes = _notes(forms[0][0], options)
    if not given.small:
        return Source(f"({_as_booleans(query, types, given)})", notes=notes)
    given.ask(f"create table {given.view} as {query}")
    for name in _booleans(given.view, types, given):
        given.ask(f"alter table {given.view} alter {quoted.name(name)} type boolean")
    return Source(None, notes=notes, numbered="0, rowid")


# -- what the manifest says


def _options(csv: Mapping[str, Any] | None) -> dict[str, Any]:
    options = dict(csv or {})
    for key in ("delimiter", "quote", "escape"):
        value = options.get(key)
        is_mark = isinstance(value, str) and len(value) == 1 and value not in "\r\n\0"
        if value is not None and not is_mark and (key == "delimiter" or value != ""):
            raise UsageError(f"the {key} of a CSV file is `{line(str(value))}`, expected one character")
    if options.get("encoding") is not None:
        options["encoding"] = texts.encoding(str(options["encoding"]))
    return {key: value for key, value in options.items() if value is not None}


def _as_utf8(path: Path, given: Files, encoding: str | None) -> Path:
    most = None if given.small else LOOKED_AT
    if encoding in (None, "utf-8"):
        texts.look(path, given.label, most, given.go_on, given.shown(path))
        return path
    copied = given.scratch()
    texts.copy(path, copied, str(encoding), given.label, given.go_on, given.shown(path))
    texts.look(copied, given.label, most, given.go_on, given.shown(path))
    return copied


def _notes(form: _Form, options: Mapping[str, Any]) -> tuple[str, ...]:
    said = dict(form.dialect)
    usual = {**_USUAL, "escape": said["quote"]}  # a quote within quotes is written twice
    unusual = [f"{key} `{_shown(value)}`" for key, value in said.items() if value != usual[key]]
    if options.get("encoding", "utf-8") != "utf-8":
        unusual.append(f"encoding {options['encoding']}")
    return (f"read as CSV: {', '.join(unusual)}",) if unusual else ()


def _shown(mark: str) -> str:
    return {"\t": "tab", "": "none"}.get(mark, line(mark))


# -- what the files say


def _form(path: Path, name: str, given: Files, options: Mapping[str, Any]) -> tuple[_Form, bool]:
    """The form of a file, and whether it has no row."""
    head = texts.header(path, given.label, options.get("delimiter"))
    try:
        found = given.ask(
            "select Delimiter, Quote, Escape, Columns, DateFormat, TimestampFormat"
            f" from sniff_csv({quoted.text(quoted.no_glob(str(path)))}, sample_size = -1, {_fixed(options)})"
        )[0]
    except UnreadableData as error:
        if "when sniffing" in error.message:
            raise _NoDialectError from None
        raise
    delimiter, quote, escape, columns, date, timestamp = found
    names = [str(column["name"]) for column in columns]
    # DuckDB says "(empty)" where it met none; where there are more rows, there may be one all the same
    usual = {"delimiter": str(delimiter), "quote": _mark(quote), "escape": _mark(escape) or _mark(quote)}
    dialect = {key: options.get(key, value) for key, value in usual.items()}
    if len(names) == 1 and "delimiter" not in options and re.search("[,;\t|]", names[0]):
        raise _NoDialectError
    texts.refuse_double_names(head, dialect, given.label, name)
    formats = (("dateformat", date), ("timestampformat", timestamp))
    form = _Form(
        tuple(dialect.items()),
        tuple((key, str(value)) for key, value in formats if value),
        tuple((str(column["name"]), str(column["type"])) for column in columns),
    )
    return form, head.alone


def _mark(said: Any) -> str:
    return "" if said in (None, "(empty)", "\0") else str(said)


def _in_words(path: Path, name: str, given: Files, options: Mapping[str, Any]) -> UnreadableData:
    """What is wrong with the lines, found by reading them once more, one by one."""
    first = re.split("[\r\n]", texts.header(path, given.label, options.get("delimiter")).text, maxsplit=1)[0]
    likely = max(texts.SEPARATORS, key=first.count)
    dialect = {
        "delimiter": likely,
        **{key: str(options[key]) for key in ("delimiter", "quote", "escape") if key in options},
    }
    wrong = texts.ragged(path, dialect, given.go_on)
    if wrong.startswith("a quote"):
        return unreadable(given.label, wrong, "close it, or write a quote within quotes twice", name)
    if wrong:
        hint = f"its first line is `{line(first)[:200]}`; give every line as many fields"
        return unreadable(given.label, f"its lines have different numbers of fields: {wrong}", hint, name)
    with path.open("rb") as stream:
        raw = stream.read(1 << 20)
    if raw.count(b"\r\n") not in (0, raw.count(b"\n")):
        return unreadable(given.label, "its lines end in different ways", "end all of them with a line feed", name)
    return unreadable(given.label, "no way to take its lines apart was found", "say csv: {delimiter: ...}", name)


def _refuse_mixed(given: Files, forms: Sequence[_Form]) -> None:
    """Files that are read as one table have the same columns; their types are guessed from the rows, and may differ."""
    wanted = {folded(name): name for name, _ in forms[0].columns}
    for path, form in zip(given.files, forms, strict=True):
        names = {folded(name): name for name, _ in form.columns}
        if names.keys() != wanted.keys():
            differ = sorted({**names, **wanted}[key] for key in names.keys() ^ wanted.keys())
            raise given.mixed(path, differ[0])


def _unified(
    files: Sequence[Path], forms: Sequence[tuple[_Form, bool]], given: Files, options: Mapping[str, Any]
) -> dict[str, str]:
    """Folded name -> the type that holds what every file has in that column."""
    unified: dict[str, str] = {}
    natives = [(number, _natives(form)) for number, (form, alone) in enumerate(forms) if not alone]
    for name, _ in forms[0][0].columns:
        found: dict[str, list[int]] = {}
        for number, own in natives:
            found.setdefault(own[folded(name)], []).append(number)
        if len(found) > 1 and "VARCHAR" in found:
            # of a column without a value DuckDB says that it is text
            full = [n for n in found["VARCHAR"] if _has_values(files[n], forms[n][0], name, given, options)]
            if not full:
                del found["VARCHAR"]
        unified[folded(name)] = _type(set(found))
    return unified


def _natives(form: _Form) -> dict[str, str]:
    return {folded(name): native for name, native in form.columns}


def _type(found: set[str]) -> str:
    if len(found) <= 1:
        return next(iter(found), "VARCHAR")
    return next((wider for types, wider in _WIDER if found <= types), "VARCHAR")


def _has_values(path: Path, form: _Form, name: str, given: Files, options: Mapping[str, Any]) -> bool:
    source = _source([path], form, given, options)
    own = next(n for n, _ in form.columns if folded(n) == folded(name))
    return bool(given.ask(f"select count({quoted.name(own)}) from {source}")[0][0])


# -- reading


def _fixed(options: Mapping[str, Any]) -> str:
    parts = ["header = true", "skip = 0", "comment = ''", "compression = 'none'", f"max_line_size = {texts.MAX_LINE}"]
    parts.append(f"quote = {quoted.text(options.get('quote', chr(34)))}")
    if "delimiter" in options:
        parts.append(f"delim = {quoted.text(options['delimiter'])}")
    if "escape" in options:
        parts.append(f"escape = {quoted.text(options['escape'])}")
    if "missing" in options:
        parts.append(f"nullstr = [{', '.join(quoted.text(str(value)) for value in options['missing'])}]")
    return ", ".join(parts)


def _source(files: Sequence[Path], form: _Form, given: Files, options: Mapping[str, Any]) -> str:
    columns = ", ".join(f"{quoted.text(name)}: {quoted.text(native)}" for name, native in form.columns)
    named = {**options, **dict(form.dialect)}
    formats = "".join(f", {key} = {quoted.text(value)}" for key, value in form.formats)
    return (
        f"read_csv({quoted.paths(files)}, auto_detect = false, {_fixed(named)},"
        f" columns = {{{columns}}}{formats}, {given.hive})"
    )


def _query(
    files: Sequence[Path],
    plain: Sequence[_Form],
    forms: Sequence[tuple[_Form, bool]],
    types: Mapping[str, str],
    given: Files,
    options: Mapping[str, Any],
) -> str:
    """The rows of all files, those of one form read together; each as its own form says, then of the unified type."""
    groups: list[tuple[_Form, list[Path]]] = []
    for path, form, (own, alone) in zip(files, plain, forms, strict=True):
        # a date is read as this file writes dates, and made a moment after; what others hold as text is read as text
        kept = _natives(own)
        columns = tuple(
            (n, "DATE" if native == "TIMESTAMP" and kept[folded(n)] == "DATE" and not alone else _raw(native))
            for n, native in form.columns
        )
        form = replace(form, columns=columns)
        if groups and groups[-1][0] == form:
            groups[-1][1].append(path)
        else:
            groups.append((form, [path]))
    selects = []
    for form, paths in groups:
        casts = [
            f"{quoted.name(n)}::timestamp as {quoted.name(n)}"
            for n, native in form.columns
            if native == "DATE" and types[folded(n)] == "TIMESTAMP"
        ]
        replaced = f" replace ({', '.join(casts)})" if casts else ""
        selects.append(f"select {given.chosen}{replaced} from {_source(paths, form, given, options)}")
    return union(selects)


def _raw(native: str) -> str:
    # DuckDB takes yes, no, t and f for booleans: they are labels, and models were trained on them as text
    return "VARCHAR" if native == "BOOLEAN" else native


def _booleans(source: str, types: Mapping[str, str], given: Files) -> list[str]:
    """The columns, all of whose values are ``true`` or ``false``."""
    guessed = [name for name, native in types.items() if native == "BOOLEAN"]
    if not guessed:
        return []
    tests = ", ".join(f"bool_and(lower({quoted.name(name)}) in ('true', 'false'))" for name in guessed)
    held = given.ask(f"select {tests} from {source}")[0]
    return [name for name, only in zip(guessed, held, strict=True) if only]


def _as_booleans(query: str, types: Mapping[str, str], given: Files) -> str:
    real = _booleans(f"({query})", types, given)
    casts = ", ".join(f"{quoted.name(name)}::boolean as {quoted.name(name)}" for name in real)
    return f"select * replace ({casts}) from ({query})" if casts else query
