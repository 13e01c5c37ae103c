"""The columns of a dataset are distributed as those of a reference.

What: Each column is held against the profile of the dataset `from` (its committed profile; computed where it has
none), by the statistics that have a limit; `psi: {warning: 0.1, error: 0.25}` where none has. `columns` names the ones
to compare; else all but the keys. Bins are the reference's alone, ten of about equal mass for divergences and 200 for
the others (each value its own where there are at most 200), so that no outlier of the new data can stretch them.
- `psi`: population stability index, the sum of (q - p) ln(q / p), an empty bin as a share of 1e-4 (Siddiqi 2006;
  Yurdakul 2018).
- `ks`: Kolmogorov-Smirnov D, the greatest distance of the distribution functions (Smirnov 1939). Between edges it is
  not known; where the limit lies within what is left open, the check is inconclusive. Numbers.
- `js`: Jensen-Shannon distance to base 2, from 0 to 1 (Lin 1991).
- `cramers_v`: Cramér's V, less what chance adds to it (Bergsma 2013). Texts and booleans.
- `wasserstein`: first Wasserstein distance over the interquartile range of the reference; sees how far outliers are
  (Ramdas, Trillos and Cuturi 2017). Numbers.
- `missing`: change of the share of missing values. Missing values are in no bin.
- `new_categories`: rows whose value the reference does not have. One with at least 5 rows is named.
All are effect sizes, and none is a p-value: with many rows every difference is significant. Each must exceed its limit
and what chance makes of so many rows (at most one false alarm in a hundred runs, Bonferroni over columns and
statistics); where chance alone can exceed the limit, the check is inconclusive. Sensitive columns are left out.

Why: A model is right about data like those it was trained on. What it does with others, no metric on old rows tells.

Example:
    datasets:
      train: {path: data/train.parquet}
      current:
        path: data/current.parquet
        checks:
          - drift: {from: train}
          - drift: {from: train, columns: [income, country], ks: 0.1, js: 0.1, missing: 5%, new_categories: 0}
            id: drift-of-two

Fix: Look at what changed in the source of the column. Where the world changed, retrain, and profile the new data.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import comparison, schema
from mlci.case import Case, Inconclusive
from mlci.findings import Finding
from mlci.questions import Question
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
FROM_PROFILE = True  # the committed profile of the other dataset is all it needs of it
OPTIONS = schema.options("from", **comparison.OPTIONS)


def asks(case: Case) -> Iterator[Question]:
    return _plan(case).questions()


def check(case: Case) -> Iterator[Finding | Measurement]:
    undecided = yield from comparison.compare(case, _plan(case), comparison.limits(case, {"psi": comparison.PSI}))
    if undecided:
        raise Inconclusive("; ".join(undecided))


def _plan(case: Case) -> comparison.Plan:
    profile = comparison.reference(case)
    names = case.options.get("columns")
    if names is None:
        own = case.model.datasets[case.options["from"]]
        present = {column.name for column in case.table.columns}
        # new data may have no labels yet
        left_out = {*own.key, *case.dataset.key, *({own.target} - present)}
        names = [column.name for column in profile.columns if column.name not in left_out]
    return comparison.plan(case, profile, names, comparison.limits(case, {"psi": comparison.PSI}))
