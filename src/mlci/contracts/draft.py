"""A contract while it is read: rules that add up, checks that get their ids, and a list of what is not checked.

Every reader goes through here, so that three things hold of all: a rule is only taken where mlci can hold it as it is
meant, two rules of one kind are both held, and what cannot be held is told with its reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mlci import re2
from mlci.contract import Contract
from mlci.contracts import merge, sql, values
from mlci.contracts.merge import How
from mlci.document import Document
from mlci.errors import UsageError
from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location
from mlci.reader import Pointer, show
from mlci.specs import Unchecked

NONE: How = {}
_TOO_LONG = 512


class Draft:
    """What has been read of a contract so far."""

    def __init__(self, format_: str, document: Document) -> None:
        self.format = format_
        self.document = document
        self.columns: dict[str, dict[str, Any]] = {}
        self.checks: list[tuple[str, dict[str, Any]]] = []
        """A word for the id of each check, and the check."""
        self.key: tuple[str, ...] = ()
        self.places: dict[Pointer, Location] = {}
        self.findings: list[Finding] = []
        self.skipped: dict[tuple[str, str], tuple[dict[str, None], Location]] = {}
        self.known: set[str] = set()
        self.counted: dict[str, dict[str, Any]] = {}

    # -- what is not checked

    def skip(self, what: str, reason: str, at: Location, of: str = "") -> None:
        """Tell that ``what`` is not checked; the same of many columns is told once."""
        names, _ = self.skipped.setdefault((what, reason), ({}, at))
        if of:
            names[of] = None

    def wrong(self, message: str, at: Location, hint: str = "") -> None:
        """Something that makes the contract no contract."""
        self.findings.append(Finding(Level.ERROR, message, at, hint))

    # -- columns

    def column(self, name: Any, at: Location, type_: str | None = None) -> bool:
        """Begin a column; False where it cannot be one."""
        if not isinstance(name, str) or not name or len(name) > _TOO_LONG:
            self.skip("a column", f"its name is no text of 1 to {_TOO_LONG} characters", at)
            return False
        if name in self.columns:
            return True
        self.columns[name] = {"type": type_} if type_ else {}
        self.places["columns", name] = at
        if type_:
            self.places["columns", name, "type"] = at
        return True

    def type(self, column: str, type_: str, at: Location) -> None:
        self.columns[column]["type"] = type_
        self.places["columns", column, "type"] = at

    def sensitive(self, column: str, at: Location) -> None:
        self.columns[column]["sensitive"] = True
        self.places["columns", column, "sensitive"] = at

    def flag(self, rule: str, column: str, at: Location, how: How = NONE) -> None:
        """``required`` or ``unique``."""
        self._put(rule, column, True, at, how)

    def values(self, column: str, listed: Sequence[Any], at: Location, how: How = NONE) -> None:
        """``in``: what may stand in the column, NULL apart."""
        type_ = self.columns[column].get("type")
        fitting = [values.as_type(type_, value) for value in listed if value is not None]
        if not fitting:
            self.skip("the list of values", "it names none", at, column)
        elif any(value is None for value in fitting):
            self.skip(
                "the list of values", f"it has values that are no {type_ or 'text, number or boolean'}", at, column
            )
        elif len({values.kind(value) for value in fitting}) > 1:
            self.skip("the list of values", "its values are not all of one type", at, column)
        else:
            self._put("in", column, list(dict.fromkeys(fitting)), at, how)

    def pattern(self, column: str, pattern: str, at: Location, how: How = NONE) -> None:
        """``pattern``: what is found in every value."""
        if self._no_text("pattern", column, at):
            return
        if not pattern:
            self.skip("the pattern", "it is empty", at, column)
        elif problem := re2.problem(pattern):
            self.skip(f"the pattern {show(pattern)}", f"it has {problem}, which RE2 does not take", at, column)
        else:
            self._put("pattern", column, pattern, at, how)

    def length(self, column: str, low: Any, high: Any, at: Location, how: How = NONE) -> None:
        """``length``: the fewest and the most characters."""
        if (low is None and high is None) or self._no_text("length", column, at):
            return
        if any(bound is not None and (not values.is_whole(bound) or bound < 0) for bound in (low, high)):
            self.skip("the length", "a bound of it is no whole number of at least 0", at, column)
        else:
            self._put("length", column, [low, high], at, how)

    def _no_text(self, rule: str, column: str, at: Location) -> bool:
        type_ = self.columns[column].get("type", "string")
        if type_ != "string":
            self.skip(f"the {rule}", f"the column is {type_}, and a {rule} needs text", at, column)
        return bool(type_ != "string")

    def range(
        self,
        column: str,
        at: Location,
        *,
        low: Any = None,
        high: Any = None,
        above: Any = None,
        below: Any = None,
        how: How = NONE,
    ) -> None:
        """``range``: ``low`` and ``high`` may be reached, ``above`` and ``below`` may not.

        A range of mlci holds its ends. An open end of integers and of days is moved by one; of anything else, it is
        a value that a `sql` check looks for, and with a tolerance all of it is a `sql` check.
        """
        type_ = self.columns[column].get("type")
        given = {"low": low, "high": high, "above": above, "below": below}
        bounds: dict[str, Any] = {}
        for side, written in given.items():
            if written is None:
                continue
            bound = values.bound(type_, written)
            if bound is None:
                reason = f"it is no {'number' if type_ in ('int', 'float') else 'date'} of a column of {type_}"
                self.skip(
                    f"the bound {show(str(written))}", reason if type_ else "it is no number and no date", at, column
                )
                return
            bounds[side] = bound
        if len({isinstance(bound, str) for bound in bounds.values()}) > 1:
            self.skip("the range", "one of its bounds is a number, the other a date", at, column)
            return
        closed, open_ = _closed(type_, bounds)
        if open_ and merge.kept(how).keys() & set(merge.TOLERANCE):
            self._query("range", column, lambda: sql.outside(column, **bounds), at, merge.kept(how))
            return
        for end in open_:
            self._query("end", column, partial(sql.equal, column, end), at, merge.kept(how))
        if closed:
            self._put("range", column, [closed.get("low"), closed.get("high")], at, how)

    # -- checks

    def check(self, kind: str, options: Any, at: Location, *, slug: str = "", how: How = NONE) -> None:
        """One item under ``checks:``; of ``how``, severity and why stand beside it, the rest is among the options."""
        kept = merge.kept(how)
        outer: dict[str, Any] = {key: kept.pop(key) for key in ("severity", "why") if key in kept}
        if kept:
            options = {**options, **kept} if isinstance(options, dict) else {"is": options, **kept}
        item: dict[str, Any] = {kind: options, **outer}
        text = json.dumps(item, sort_keys=True)
        if text in self.known:
            return
        self.known.add(text)
        self.places["checks", len(self.checks)] = at
        self.checks.append((slug, item))

    def rows(self, bounds: dict[str, Any], at: Location, how: How) -> None:
        """The least and the greatest number of rows; two that weigh the same are one check."""
        held = {side: max(bound, 0) if side == "min" else bound for side, bound in bounds.items()}
        known = self.counted.setdefault(json.dumps(merge.kept(how), sort_keys=True), held)
        if known is not held and not known.keys() & held.keys():
            known.update(held)
            held = known
        else:
            self.check("rows", held, at, how=how)
        least = held.get("min", 0)
        if held.get("max", least) < least:
            self.wrong(f"no number of rows is at least {least} and at most {held['max']}", at)

    def primary_key(self, columns: Sequence[str], at: Location) -> None:
        """The key: its columns are there in every row, and no two rows have the same."""
        self.key = tuple(columns)
        self.places["key",] = at
        for column in columns:
            self.flag("required", column, at)
        if len(columns) == 1:
            self.flag("unique", columns[0], at)
        elif columns:
            self.check("unique", {"columns": list(columns)}, at, slug="key")

    def foreign_key(
        self,
        columns: Sequence[str],
        to: str,
        references: Sequence[str],
        at: Location,
        how: How = NONE,
    ) -> None:
        """Rows whose columns are in ``references`` of another dataset; ``to`` is empty for this one itself.

        ``to`` is the contract's name of the table; whoever merges the contract finds the dataset of this name.
        """
        slug = "-".join(columns)
        if len(columns) != len(references) or not columns:
            self.skip("a foreign key", "it has not as many columns as it refers to", at)
        elif to:
            options = {"columns": list(columns), "to": to, "references": list(references)}
            self.check("foreign-key", options, at, slug=slug, how=how)
        else:
            try:
                self.check("sql", sql.absent(columns, references), at, slug=slug, how=how)
            except sql.Unquotable:
                self.skip("a foreign key to the table itself", "the name of a column has a brace", at, slug)

    # -- adding up

    def _put(self, rule: str, column: str, is_: Any, at: Location, how: How) -> None:
        kept = merge.kept(how)
        rules = self.columns[column]
        if rule in ("range", "length") and None not in is_ and is_[0] > is_[1]:
            self.wrong(
                f"the {rule} of {show(column)} ends at {is_[1]} before it begins at {is_[0]}", at, "swap the two"
            )
            return
        if rule not in rules:
            rules[rule] = merge.written(rule, is_, kept)
            self.places["columns", column, rule] = at
            return
        old = rules[rule]
        old_is, old_how = merge.parts(old)
        merged = merge.both(rule, (old_is, old_how), (is_, kept))
        if merged is not None:
            both, how_both = merged
            if rule == "in" and not both:
                self.wrong(f"two lists of the values of {show(column)} have none in common", at)
            elif rule in ("range", "length") and None not in both and both[0] > both[1]:
                self.wrong(f"no value of {show(column)} can satisfy two of its {rule}s", at)
            else:
                rules[rule] = merge.written(rule, both, how_both)
            return
        # a column has one rule of a kind; another one is a `sql` check
        self._query(rule, column, lambda: sql.breaks(rule, column, is_), at, kept)

    def _query(self, rule: str, column: str, condition: Callable[[], str], at: Location, kept: dict[str, Any]) -> None:
        """A `sql` check for the rows of a condition, with the tolerance and the weight of a rule."""
        if {"mostly", "where"} <= kept.keys():
            self.skip(f"the {rule}", "it needs a `sql` check, whose share is one of all rows", at, column)
            return
        how = {key: held for key, held in kept.items() if key != "where"}
        try:
            query = sql.rows(f"({condition()}) and ({kept['where']})" if "where" in kept else condition())
        except sql.Unquotable:
            self.skip(f"the {rule}", "it needs a `sql` check, which can hold no brace", at, column)
        else:
            self.check("sql", query, at, slug=f"{column}-{rule}", how=how)

    # -- the end

    def done(self) -> Contract:
        """The contract. Raises InvalidFile with what makes it none."""
        if self.findings:
            raise InvalidFile(self.findings)
        skipped = [
            Unchecked(_of(what, list(names)), reason, at) for (what, reason), (names, at) in self.skipped.items()
        ]
        return Contract(
            self.format,
            self.columns,
            self._with_ids(),
            self.key,
            self.places,
            sorted(skipped, key=lambda item: (item.at.line or 0, item.at.column or 0)),
        )

    def _with_ids(self) -> list[dict[str, Any]]:
        kinds = [next(iter(item)) for _, item in self.checks]
        times = Counter(kinds)
        ids: set[str] = set()
        numbers: Counter[str] = Counter()
        found = []
        for kind, (slug, item) in zip(kinds, self.checks, strict=True):
            if times[kind] == 1:
                found.append(item)
                continue
            base = "-".join((kind, re.sub(r"[^A-Za-z0-9._-]+", "-", slug).strip("-")[:60])).rstrip("-")
            if base == kind and not numbers[base]:
                numbers[base] = 1  # the name of a check is no id of another
            numbers[base] += 1
            while (id_ := base if numbers[base] == 1 else f"{base}-{numbers[base]}") in ids:
                numbers[base] += 1
            ids.add(id_)
            found.append({**item, "id": id_})
        return found


def _closed(type_: str | None, bounds: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The ends that a range may hold, and those of them that may not be reached."""
    closed: dict[str, Any] = {side: bounds[side] for side in ("low", "high") if side in bounds}
    open_: list[Any] = []
    for side, step, other in (("above", 1, "low"), ("below", -1, "high")):
        if side not in bounds:
            continue
        end = bounds[side]
        moved = values.beyond(type_, end, step)
        if moved is None:
            open_.append(end)
            moved = end
        both = (closed.get(other, moved), moved)
        closed[other] = max(both) if step > 0 else min(both)
    return closed, open_


def choose(names: Sequence[str], wanted: str | None, what: str, document: Document) -> int:
    """The index of the table that is meant. Raises UsageError with the names when it is not clear which."""
    found = [index for index, name in enumerate(names) if wanted in (None, name)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(show(name) for name in names[:20]) or "none"
    at = document.at()
    if wanted is None or not names:
        hint = "name one of them: `table: …` in the manifest, `--table …` for `mlci data import`"
        raise UsageError(f"the contract has {len(names)} {what}s: {listed}", hint=hint, at=at)
    if found:
        raise UsageError(f"the contract has {len(found)} {what}s {show(wanted)}", at=at)
    raise UsageError(f"the contract has no {what} {show(wanted)}", hint=f"it has {listed}", at=at)


def _of(what: str, names: Sequence[str]) -> str:
    if not names:
        return what
    shown = ", ".join(show(name) for name in names[:3])
    return f"{what} of {shown}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
