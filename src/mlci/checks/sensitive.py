"""No column holds e-mail addresses, card numbers or phone numbers without being declared sensitive.

What: The text columns that are not declared `sensitive: true` are searched for the shapes of personal data, those of
`columns` only where they are named, for the kinds of `kinds` only: `email`, `card`, `phone`. At most `max` rows of a
column may have a shape (0 where none is named). Up to 200 rows that have it are looked at closely: a card number needs
the first digits of an issuer and the right check digit (Luhn, ISO/IEC 7812), in a quarter of them, as one number in
ten has it by chance; a phone number a plus, or separators. Columns of numbers are searched for card numbers as well.
The values are never shown.

Why: A column of notes is where customers' addresses end up, and what is in the training data is in every copy of it,
and sometimes in the model.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - sensitive
          - sensitive: {columns: [notes], kinds: [card], max: 0}
            id: no-cards-in-notes

Fix: Take the values out of the data; or declare the column `sensitive: true`, so that no report and no profile shows
its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlci import chosen, counted, schema
from mlci.case import Case, Inconclusive, error, note
from mlci.escape import line
from mlci.findings import Finding
from mlci.ports import Column
from mlci.questions import Count, Matching, Outside, Question
from mlci.results import Measurement
from mlci.shapes import LEAST_CARD, SHAPES, Shape

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(
    columns=schema.COLUMNS,
    kinds={
        "type": "array",
        "items": {"enum": list(SHAPES), "description": "one of " + ", ".join(SHAPES)},
        "minItems": 1,
        "uniqueItems": True,
        "description": "a list of " + ", ".join(SHAPES),
    },
    max=schema.COUNTED["max"],
)
LOOKED_AT = 200
"""Rows of a column that are looked at closely."""


def asks(case: Case) -> Iterator[Question]:
    yield Count()
    yield from (question for _, _, question in _searches(case))


def check(case: Case) -> Iterator[Finding | Measurement]:
    searches = list(_searches(case))
    answers = case.answers([Count(), *(question for _, _, question in searches)])
    if not answers[Count()]:
        yield error("no row was looked at: the dataset has none")
        return
    undecided = []
    for column, shape, question in searches:
        if answers[question]:
            told = _looked_at(case, column, shape, question)
            if told:
                yield told
            if not told or not told.hint:
                continue
        elif case.table.scanned is None:
            continue  # of every column that has none, it is no news
        name = f"the shape of {shape.words} in {line(column.name)}"
        items, reason = counted.collected(
            counted.judge(case, name, question, {"max": case.options.get("max", 0)}, place=lambda _: case.at("max"))
        )
        undecided.append(reason)
        for item in items:
            if isinstance(item, Finding) or answers[question]:
                # whatever the privacy policy lets through: these values are what must not be seen
                yield replace(item, rows=None)
    undecided = [reason for reason in undecided if reason]
    if undecided:
        more = f" (and {len(undecided) - 1} more)" if len(undecided) > 1 else ""
        raise Inconclusive(undecided[0] + more)


def _searches(case: Case) -> Iterator[tuple[Column, Shape, Count]]:
    """What is looked for in which column."""
    for column in chosen.columns(case):
        if column.name in case.dataset.sensitive:
            continue
        for kind in case.options.get("kinds", SHAPES):
            if column.type == "string":
                yield column, SHAPES[kind], Count(Matching(column.name, SHAPES[kind].pattern))
            elif column.type in ("int", "float") and kind == "card":
                yield column, SHAPES[kind], Count(Outside(column.name, high=LEAST_CARD - 1))


def _looked_at(case: Case, column: Column, shape: Shape, question: Count) -> Finding | None:
    """What a closer look says, nothing where no row holds; with a hint where the column is what it looks like."""
    rows = case.table.sample(question, [column.name], LOOKED_AT)
    # numbers of columns with holes are floats in many files
    holds = sum(1 for (value,) in rows if shape.holds(str(value).removesuffix(".0")))
    what = f"`{line(column.name)}`: {holds:,} of {len(rows):,} rows looked at hold {shape.words}"
    if not holds:
        return None
    if holds < shape.least * len(rows):
        return note(f"{what}, no more than by chance")
    return note(what, hint="take them out of the data, or declare the column `sensitive: true`")
