"""What the checks against a profile say: drift, skew, outliers, schema-change and the change of rows."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci import comparison, drift, profile, profiling, registry
from mlci.findings import Level
from mlci.privacy import Privacy, Samples
from mlci.profile import Profile
from mlci.repo import WorkTree
from mlci.results import Measurement, Outcome, Result
from mlci.specs import Dataset
from mlci.testing import FakeBench, FakeTable, run_check
from mlci.workbench import Terms

Data = Mapping[str, Sequence[Any]]
NOWHERE = WorkTree(Path("/nowhere-at-all"))
EVERY = {"psi": 0.1, "ks": 0.1, "js": 0.1, "cramers_v": 0.1, "wasserstein": 0.1, "missing": 0.01, "new_categories": 0}


def built(data: Data, sensitive: Sequence[str] = ()) -> Profile:
    dataset = Dataset(name="train", columns={name: {"sensitive": True} for name in sensitive})
    return profiling.build(FakeTable(data), dataset, "sha256:" + "0" * 64)


def manifest(**spec: Any) -> str:
    datasets = {"train": {"path": "t.csv"}, "current": {"path": "c.csv"}}
    for name, more in spec.items():
        datasets[name] |= more
    data = {"version": 1, "name": "m", "artifact": "a", "datasets": datasets, "checks": ["artifact"]}
    return yaml.safe_dump(data)


def judged(
    check: str,
    now: Data,
    before: Data,
    options: Mapping[str, Any] | None = None,
    privacy: Privacy | None = None,
    baseline: Profile | None = None,
    **spec: Any,
) -> Result:
    """One check of the dataset ``current``, held against a profile of ``train``; ``spec`` is more of both datasets."""
    hidden = [name for name, rules in spec.get("train", {}).get("columns", {}).items() if rules.get("sensitive")]
    profiles = {"train": built(before, hidden)} | ({"current": baseline} if baseline else {})
    bench = FakeBench(
        NOWHERE,
        {"train": FakeTable(before), "current": FakeTable(now)},
        profiles=profiles,
        privacy=privacy or Privacy(),
    )
    taken = dict(options or {}) if baseline else {"from": "train", **(options or {})}
    return run_check(check, taken, files={"model.yaml": manifest(**spec)}, dataset="current", bench=bench)


def normal(rows: int, seed: int, mean: float = 0.0, spread: float = 1.0) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(mean, spread) for _ in range(rows)]


def named(result: Result) -> dict[str, Measurement]:
    return {measurement.name: measurement for measurement in result.measurements}


def messages(result: Result, level: Level | None = None) -> list[str]:
    return [finding.message for finding in result.findings if level in (None, finding.level)]


# The same data --------------------------------------------------------------------------------------------------------

CELLS = st.none() | st.just(math.nan) | st.floats(-1e9, 1e9)


@settings(max_examples=25)
@given(
    st.lists(CELLS, min_size=30, max_size=30),
    st.lists(st.none() | st.integers(-5, 5), min_size=30, max_size=30),
    st.lists(st.none() | st.sampled_from("abcdef"), min_size=30, max_size=30),
    st.lists(st.none() | st.booleans(), min_size=30, max_size=30),
    st.integers(1, 40),
)
def test_data_held_against_their_own_profile_have_not_moved_at_all(
    floats: list[Any], ints: list[Any], texts: list[Any], bools: list[Any], times: int
) -> None:
    data = {
        "f": [1.5, *floats] * times,
        "i": [1, *ints] * times,
        "t": ["a", *texts] * times,
        "b": [True, *bools] * times,
    }
    result = judged("drift", data, data, EVERY)
    assert len(result.measurements) == 4 * 3 + 2 * 2 + 2 * 2  # missing, psi, js; ks, Wasserstein; V, new categories
    assert {measurement.value for measurement in result.measurements} == {0}
    assert result.outcome in (Outcome.PASSED, Outcome.INCONCLUSIVE)
    assert messages(result) == []


@pytest.mark.parametrize("rows", [150, 250, 1000, 5000])
def test_every_statistic_of_many_values_that_did_not_change_is_nothing(rows: int) -> None:
    data = {"x": normal(rows, 1)}
    values = {name: m.value for name, m in named(judged("drift", data, data, EVERY)).items()}
    assert values == {f"{word} of x": 0 for word in ("psi", "ks", "js", "Wasserstein")} | {
        "change of the missing share of x": 0
    }


def test_samples_of_one_distribution_do_not_fail() -> None:
    failed = 0
    for seed in range(40):
        rows = random.Random(seed).choice([200, 400, 1000])
        rng = random.Random(seed + 1)
        sides = [
            {
                "a": normal(count, seed * 10 + side),
                "b": [rng.randrange(6) for _ in range(count)],
                "c": [rng.choice("aaabbcd") if rng.random() < 0.9 else None for _ in range(count)],
            }
            for side, count in ((1, 2000), (2, rows))
        ]
        limits = {"psi": 0.02, "ks": 0.02, "js": 0.02, "cramers_v": 0.02, "wasserstein": 0.02, "missing": 0.005}
        result = judged("drift", sides[1], sides[0], limits)
        failed += result.outcome is Outcome.FAILED
    assert failed <= 1  # at most one in a hundred, by its promise


# Data that moved ------------------------------------------------------------------------------------------------------


def test_a_shift_by_one_standard_deviation_has_the_psi_that_is_known_for_it() -> None:
    # the symmetric divergence of N(0, 1) and N(1, 1) is 1; ten bins see nine tenths of it
    result = judged("drift", {"x": normal(5000, 2, mean=1)}, {"x": normal(5000, 1)})
    psi = named(result)["psi of x"]
    assert result.outcome is Outcome.FAILED
    assert psi.value == pytest.approx(0.91, abs=0.06)
    assert psi.n == 5000
    assert [(limit.level, limit.bound) for limit in psi.limits] == [(Level.WARNING, 0.1), (Level.ERROR, 0.25)]


def test_ks_is_the_greatest_distance_of_the_distribution_functions() -> None:
    # D of N(0, 1) and N(1, 1) is 2 Phi(1/2) - 1
    result = judged("drift", {"x": normal(5000, 2, mean=1)}, {"x": normal(5000, 1)}, {"ks": 0.1})
    found = named(result)["ks of x"]
    assert found.value == pytest.approx(math.erf(0.5 / math.sqrt(2)), abs=0.02)
    assert found.low == found.value
    assert found.high is not None
    assert 0 < found.high - found.value < 0.02


def test_ks_of_few_values_is_exact() -> None:
    result = judged("drift", {"x": [1] * 30 + [2] * 70}, {"x": [1] * 50 + [2] * 50}, {"ks": 0.05})
    found = named(result)["ks of x"]
    assert (found.value, found.low, found.high) == (pytest.approx(0.2), None, None)


def test_one_far_value_does_not_hide_a_shift_of_all_others() -> None:
    moved = normal(2000, 2, mean=1)
    plain, masked = (
        named(judged("drift", {"x": [*moved, *more]}, {"x": normal(2000, 1)}, EVERY)) for more in ([0.5], [1e12])
    )
    for name in ("psi of x", "ks of x", "js of x"):
        assert masked[name].value == pytest.approx(plain[name].value, rel=0.01)
    assert masked["Wasserstein of x"].value > 1e6 > plain["Wasserstein of x"].value


@pytest.mark.parametrize(
    ("statistic", "current"),
    [
        ("psi", {"c": ["a"] * 200 + ["b"] * 800}),
        ("js", {"c": ["a"] * 200 + ["b"] * 800}),
        ("cramers_v", {"c": ["a"] * 200 + ["b"] * 800}),
        ("missing", {"c": ["a"] * 300 + ["b"] * 300 + [None] * 400}),
        ("new_categories", {"c": ["a"] * 499 + ["b"] * 500 + ["z"]}),
    ],
)
def test_each_statistic_of_categories_can_fail_alone(statistic: str, current: Data) -> None:
    reference = {"c": ["a"] * 500 + ["b"] * 500}
    result = judged("drift", current, reference, {statistic: 0.1})
    assert result.outcome is Outcome.FAILED
    assert len(result.measurements) == 1


@pytest.mark.parametrize("statistic", ["psi", "ks", "js", "wasserstein"])
def test_each_statistic_of_numbers_can_fail_alone(statistic: str) -> None:
    result = judged("drift", {"x": normal(1000, 2, mean=0.8)}, {"x": normal(1000, 1)}, {statistic: 0.2})
    assert result.outcome is Outcome.FAILED
    assert len(result.measurements) == 1


def test_a_value_that_was_never_seen_between_known_ones_is_not_taken_for_a_neighbour() -> None:
    reference = {"x": [1, 5] * 300}
    found = named(judged("drift", {"x": [1, 3] * 300}, reference, {"psi": 0.1}))["psi of x"]
    assert found.value > 1
    assert found.histograms == ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5))


def test_a_value_that_was_never_seen_is_no_surprise_among_values_seen_once() -> None:
    ages, later = ([round(45 + 13 * value) for value in normal(1500, seed)] for seed in (1, 2))
    assert set(later) - set(ages)
    found = named(judged("drift", {"age": later}, {"age": ages}, {"psi": 0.1}))["psi of age"]
    assert found.value < 0.03
    assert len(found.histograms[0]) == 10


def test_the_missing_share_may_move_either_way() -> None:
    full, holes = {"x": [1, 2] * 500}, {"x": [1, 2, None, None] * 250}
    for current, reference in ((full, holes), (holes, full)):
        found = named(judged("drift", current, reference, {"missing": "10%"}))["change of the missing share of x"]
        assert (found.value, found.unit, found.limits[0].bound) == (0.5, "share", 0.1)


def test_missing_values_are_in_no_bin() -> None:
    reference = {"x": [1, 2] * 500}
    result = judged("drift", {"x": [1, 2, None, math.nan] * 250}, reference, {"psi": 0.1})
    found = named(result)["psi of x"]
    assert (found.value, found.n) == (0, 500)


def test_histograms_of_both_sides_have_the_same_few_bins() -> None:
    found = named(judged("drift", {"x": normal(3000, 2, spread=2)}, {"x": normal(3000, 1)}))["psi of x"]
    before, now = found.histograms
    assert len(before) == len(now) == 10
    assert sum(before) == pytest.approx(1, abs=1e-4)
    assert sum(now) == pytest.approx(1, abs=1e-4)
    assert now[0] > 2 * before[0]


# What is not decided --------------------------------------------------------------------------------------------------


def test_too_few_rows_are_inconclusive_and_no_pass() -> None:
    result = judged("drift", {"x": normal(30, 2)}, {"x": normal(2000, 1)}, {"psi": 0.1})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "chance alone can make" in result.reason
    assert "of 30 rows; the limit is 0.1" in result.reason
    assert named(result)["psi of x"].limits == ()


def test_a_great_change_fails_even_of_few_rows() -> None:
    result = judged("drift", {"x": normal(60, 2, mean=5)}, {"x": normal(2000, 1)}, {"psi": 0.1})
    assert result.outcome is Outcome.FAILED


def test_a_level_that_only_warns_does_not_make_it_inconclusive() -> None:
    limits = {"psi": {"warning": 0.001, "error": 3}}
    result = judged("drift", {"x": normal(200, 2)}, {"x": normal(2000, 1)}, limits)
    assert result.outcome is Outcome.PASSED
    assert [limit.bound for limit in named(result)["psi of x"].limits] == [3]


def test_what_fails_counts_more_than_what_is_not_decided() -> None:
    data = {"x": normal(60, 2, mean=5), "y": normal(60, 3)}
    result = judged("drift", data, {"x": normal(2000, 1), "y": normal(2000, 4)}, {"psi": 0.1})
    assert result.outcome is Outcome.FAILED
    assert "psi of y" in result.reason


def test_many_comparisons_must_each_be_surer() -> None:
    def noise(columns: int) -> float:
        data = {f"x{i}": normal(150, i) for i in range(columns)}
        reasons = judged("drift", data, {f"x{i}": normal(150, i + 100) for i in range(columns)}, {"ks": 0.01}).reason
        return float(reasons.split("chance alone can make ")[1].split(" ")[0])

    assert noise(1) == pytest.approx(drift.ks_noise([150], [150], drift.GATE_ALPHA), abs=1e-4)
    assert noise(8) == pytest.approx(drift.ks_noise([150], [150], drift.GATE_ALPHA / 8), abs=1e-4)


def test_a_limit_within_what_the_bins_leave_open_is_not_decided() -> None:
    reference, current = {"x": normal(20_000, 1)}, {"x": normal(20_000, 2, mean=0.5)}
    found = named(judged("drift", current, reference, {"ks": 0.5}))["ks of x"]
    assert found.low is not None
    assert found.high is not None
    between = (found.low + found.high) / 2
    result = judged("drift", current, reference, {"ks": between})
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "is between" in result.reason


# Which columns --------------------------------------------------------------------------------------------------------


def test_keys_are_not_compared_unless_they_are_named() -> None:
    data = {"id": [1, 2] * 50, "x": [1, 2] * 50}
    assert set(named(judged("drift", data, data, train={"key": ["id"]}))) == {"psi of x"}
    assert set(named(judged("drift", data, data, {"columns": ["id"]}, train={"key": ["id"]}))) == {"psi of id"}


def test_sensitive_columns_are_left_out_and_named_in_a_note() -> None:
    data = {"pay": [1, 2] * 50, "ill": [True, False] * 50, "x": [1, 2] * 50}
    spec = {"train": {"columns": {"pay": {"sensitive": True}}}, "current": {"columns": {"ill": {"sensitive": True}}}}
    result = judged("drift", data, data, EVERY, **spec)
    assert messages(result) == ["sensitive, and not compared: `pay`, `ill`"]
    assert {name.rpartition(" ")[2] for name in named(result)} == {"x"}


def test_new_data_without_labels_are_compared_all_the_same() -> None:
    reference = {"x": [1, 2] * 500, "y": [0, 1] * 500}
    result = judged("drift", {"x": [1, 2] * 500}, reference, train={"target": "y"})
    assert (result.outcome, set(named(result))) == (Outcome.PASSED, {"psi of x"})


def test_labels_that_are_there_are_compared() -> None:
    result = judged("drift", {"y": [1] * 1000}, {"y": [0, 1] * 500}, train={"target": "y"})
    # (0.0001 - 0.5) ln 0.0002 + (1 - 0.5) ln 2, worked out by hand
    assert messages(result) == ["psi of y is 4.604 (n = 1,000), above its maximum 0.25"]


@pytest.mark.parametrize(
    ("current", "reference", "options", "message"),
    [
        ({"x": [1] * 9}, {"x": [1] * 9, "gone": [1] * 9}, {}, "the column `gone` of `train` is not there"),
        ({"x": [1] * 9}, {"x": [1] * 9}, {"columns": ["y"]}, "the column `y` is not in the profile of `train`"),
        ({"x": ["a"] * 9}, {"x": [1] * 9}, {}, "the column `x` is string, and int in `train`"),
        ({"x": [1] * 9}, {"x": [True] * 9}, {}, "the column `x` is int, and bool in `train`"),
        ({"x": [None] * 9}, {"x": [True] * 9}, {}, "`x` has no value in the data, and 9 in the other"),
        ({"x": []}, {"x": [True] * 9}, {}, "no row was looked at: the dataset has none"),
        (
            {"x": [f"n{i}" for i in range(300)]},
            {"x": [f"n{i}" for i in range(300)]},
            {"columns": ["x"]},
            "nothing to compare in the profile of `train`: `x`",
        ),
    ],
    ids=["gone", "unknown", "text", "number of booleans", "all missing", "no row", "names"],
)
def test_what_cannot_be_compared_is_an_error(
    current: Data, reference: Data, options: Mapping[str, Any], message: str
) -> None:
    result = judged("drift", current, reference, options)
    assert result.outcome is Outcome.FAILED
    assert message in messages(result, Level.ERROR)


def test_a_column_without_a_value_on_either_side_is_no_news() -> None:
    data = {"x": [None] * 1000, "y": [1, 2] * 500}
    assert judged("drift", data, data).outcome is Outcome.PASSED


def test_a_check_that_compares_nothing_is_skipped_and_no_pass() -> None:
    data = {"name": [f"n{i}" for i in range(300)]}
    result = judged("drift", data, data)
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, "no column of `train` can be compared")


def test_texts_that_hardly_repeat_are_compared_by_their_holes_where_that_is_asked_for() -> None:
    reference = {"name": [f"n{i}" for i in range(300)]}
    result = judged("drift", {"name": [f"m{i}" for i in range(150)] + [None] * 150}, reference, {"missing": 0.1})
    assert set(named(result)) == {"change of the missing share of name"}


# New categories -------------------------------------------------------------------------------------------------------


def test_a_new_category_is_named_from_five_rows_on() -> None:
    reference = {"c": ["a", "b"] * 50}
    current = {"c": ["a"] * 80 + ["common"] * 6 + ["enough"] * 5 + ["rare"] * 4}
    result = judged("drift", current, reference, {"new_categories": {"warning": 0, "error": 10}})
    assert named(result)["rows of new categories of c"].value == 15
    assert messages(result, Level.NOTE) == ["new in `c`: `common` (6 rows), `enough` (5 rows)"]
    assert "rare" not in str(result)


def test_a_new_category_of_a_sensitive_column_is_never_named() -> None:
    spec = {"train": {"columns": {"c": {"sensitive": True}}}}
    current = {"c": ["secret"] * 100, "x": [1] * 100}
    result = judged("drift", current, {"c": ["a"] * 100, "x": [1] * 100}, EVERY, Privacy(Samples.VALUES), **spec)
    assert "secret" not in str(result)


def test_where_the_profile_has_a_rest_new_categories_cannot_be_told() -> None:
    reference = {"c": [f"n{i % 250}" for i in range(5000)]}
    result = judged("drift", {"c": ["n1"] * 100}, reference, {"new_categories": 0})
    assert messages(result) == ["`c` has more categories than its profile; new ones cannot be told from rare ones"]
    assert result.measurements == ()


def test_a_name_that_no_terminal_should_see_is_written_out() -> None:
    result = judged("drift", {"c": ["\x1b[31mred"] * 9}, {"c": ["a"] * 9}, {"new_categories": 100})
    assert "\x1b" not in " ".join(messages(result))


# The plan -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["drift", "skew", "outliers", "schema-change", "rows"])
def test_what_is_announced_is_what_is_asked(check: str) -> None:
    data = {"x": [1, 2, 3] * 20, "c": ["a", "b", None] * 20}
    announced: list[Any] = []
    asked: list[Any] = []

    class Listening(FakeBench):
        def answers(self, dataset: str, questions: Sequence[Any]) -> dict[Any, Any]:
            asked.extend(questions)
            return super().answers(dataset, questions)

    before = built(data)
    bench = Listening(
        NOWHERE,
        {"train": FakeTable(data), "current": FakeTable({**data, "x": [0.5] * 60})},
        profiles={"train": before, "current": before},
    )
    options: dict[str, Any] = {"rows": {"change": 0.5}, "schema-change": {}}.get(check, {"from": "train"})
    if check == "drift":
        options |= EVERY
    module = registry.find("checks", check)

    def announce(case: Any) -> Any:
        announced.extend(module.asks(case))
        asked.clear()
        return module.check(case)

    fake = type("fake", (), {"check": staticmethod(announce), "__name__": module.__name__})
    run_check(fake, options, files={"model.yaml": manifest()}, dataset="current", bench=bench)
    assert asked
    assert set(asked) <= set(announced)


def test_a_limit_on_any_statistic_takes_the_place_of_the_usual_one() -> None:
    data = {"x": [1, 2] * 50}
    assert set(named(judged("drift", data, data, {"ks": 0.3}))) == {"ks of x"}
    assert set(named(judged("drift", data, data))) == {"psi of x"}


@pytest.mark.parametrize(
    "text",
    ["psi: -1", "ks: 1", "js: 1.5", "missing: 2", "new_categories: -1", "kl: 0.1", "columns: []", "from: nowhere"],
)
def test_a_limit_that_could_never_be_met_or_broken_is_refused(text: str) -> None:
    from mlci.document import read
    from mlci.findings import InvalidFile
    from mlci.workspace import read_model

    key = text.split(":")[0]
    options = "{from: train, " + text + "}" if key != "from" else "{" + text + "}"
    raw = "version: 1\nname: m\nartifact: a\ndatasets:\n  train: {path: t.csv}\n"
    raw += f"  c: {{path: c.csv, checks: [drift: {options}]}}\n"
    with pytest.raises(InvalidFile, match=key):
        read_model(read(raw.encode(), "model.yaml"))


# With real files ------------------------------------------------------------------------------------------------------

REAL = """\
version: 1
name: m
artifact: model.csv
datasets:
  train: {path: train.csv}
  current: {path: current.csv}
checks: [artifact]
"""


def csv(values: Sequence[float]) -> str:
    return "x\n" + "".join(f"{value!r}\n" for value in values)


def test_without_a_committed_profile_one_is_made_of_the_data() -> None:
    files = {"model.yaml": REAL, "train.csv": csv(normal(500, 1)), "current.csv": csv(normal(500, 2, mean=2))}
    result = run_check("drift", {"from": "train"}, files=files, dataset="current")
    assert result.outcome is Outcome.FAILED
    assert named(result)["psi of x"].value > 1


def test_a_committed_profile_stands_for_data_that_are_not_there() -> None:
    lock = profile.dump(replace(built({"x": normal(500, 1)}), dataset="train"))
    files = {"model.yaml": REAL, "train.profile.json": lock, "current.csv": csv(normal(500, 1))}
    result = run_check("drift", {"from": "train", **EVERY}, files=files, dataset="current")
    assert {measurement.value for measurement in result.measurements} == {0}


def test_a_profile_of_other_bytes_than_the_data_have_is_stale() -> None:
    lock = profile.dump(built({"x": [1.0]}))
    files = {"model.yaml": REAL, "train.profile.json": lock, "train.csv": csv([1.0]), "current.csv": csv([1.0])}
    result = run_check("drift", {"from": "train"}, files=files, dataset="current")
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")
    assert [finding.hint for finding in result.findings] == ["mlci data profile train"]


# Skew -----------------------------------------------------------------------------------------------------------------

TRAINED: Data = {
    "id": list(range(1000)),
    "n": [1, 2] * 500,
    "f": [0.5, 1.0] * 500,
    "c": ["a", "b"] * 500,
    "y": [0, 1] * 500,
}
FEATURES = {name: TRAINED[name] for name in ("n", "f", "c")}
SPEC = {"train": {"key": ["id"], "target": "y"}}


def test_a_log_with_the_features_of_training_passes_whatever_else_it_has() -> None:
    result = judged("skew", {**FEATURES, "request": [str(i) for i in range(1000)]}, TRAINED, **SPEC)
    assert (result.outcome, messages(result)) == (Outcome.PASSED, [])
    assert {name.rpartition(" ")[2] for name in named(result)} == {"n", "f", "c"}


def test_a_feature_that_the_log_lacks_fails() -> None:
    log = {name: values for name, values in FEATURES.items() if name != "f"}
    assert messages(judged("skew", log, TRAINED, **SPEC)) == ["the column `f` of `train` is not there"]


@pytest.mark.parametrize(
    ("changed", "fails"),
    [({"f": [1, 1] * 500}, False), ({"n": [1.5, 2.5] * 500}, True), ({"n": ["1", "2"] * 500}, True)],
    ids=["whole numbers of a float", "fractions of an int", "text of an int"],
)
def test_a_feature_is_of_a_type_that_training_has_seen(changed: Data, fails: bool) -> None:
    told = " ".join(messages(judged("skew", {**FEATURES, **changed}, TRAINED, **SPEC), Level.ERROR))
    assert ("is float, and the model was trained on int" in told or "is string, and int in" in told) == fails


def test_holes_and_drift_have_limits_without_being_named() -> None:
    log = {**FEATURES, "n": [1, 2, None, 1] * 250, "c": ["a"] * 1000}
    found = judged("skew", log, TRAINED, **SPEC)
    assert found.outcome is Outcome.FAILED
    said = messages(found, Level.ERROR)
    assert any(text.startswith("change of the missing share of n is 25%") for text in said)
    assert any(text.startswith("psi of c is") for text in said)


def test_some_features_can_be_chosen() -> None:
    found = judged("skew", {"n": FEATURES["n"]}, TRAINED, {"columns": ["n"], "ks": 0.5}, **SPEC)
    assert (found.outcome, set(named(found))) == (Outcome.PASSED, {"ks of n"})


# Outliers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "outside"),
    [({}, 2), ({"margin": 0.1}, 1), ({"margin": 10}, 0)],
    ids=["none", "a tenth", "wide"],
)
def test_rows_outside_the_range_of_the_reference_are_counted(options: Mapping[str, Any], outside: int) -> None:
    current = {"x": [0, 10, 11, -5, None, math.nan]}
    result = judged("outliers", current, {"x": [0.0, 10.0, None]}, options)
    assert [measurement.value for measurement in result.measurements] == [outside]
    assert (result.outcome is Outcome.FAILED) == bool(outside)


@pytest.mark.parametrize(("outside", "outcome"), [(1, Outcome.PASSED), (2, Outcome.FAILED)])
def test_a_share_of_rows_may_lie_outside(outside: int, outcome: Outcome) -> None:
    current = {"x": [99] * outside + [1] * (1000 - outside)}
    assert judged("outliers", current, {"x": [0, 10]}, {"max": "0.1%"}).outcome is outcome


def test_two_levels_of_a_share_have_places_and_weights_of_their_own() -> None:
    current = {"x": [99] * 3 + [1] * 97}
    result = judged("outliers", current, {"x": [0, 10]}, {"max": {"warning": 0.01, "error": 0.1}})
    assert [finding.level for finding in result.findings] == [Level.WARNING]


def test_columns_without_a_range_are_passed_over_and_named_ones_are_an_error() -> None:
    data = {"c": ["a", "b"], "x": [1, 2], "b": [True, False]}
    assert len(judged("outliers", data, data).measurements) == 1
    result = judged("outliers", data, data, {"columns": ["c", "nowhere"]})
    assert messages(result) == [
        "the profile of `train` has no range of `c`",
        "the profile of `train` has no range of `nowhere`",
    ]


def test_the_range_of_a_sensitive_column_is_neither_known_nor_told() -> None:
    spec = {"current": {"columns": {"pay": {"sensitive": True}}}}
    result = judged("outliers", {"pay": [777], "x": [1]}, {"pay": [111, 222], "x": [1, 1]}, **spec)
    assert messages(result) == ["sensitive, and not looked at: `pay`"]
    assert "222" not in str(result)


def test_outliers_of_nothing_are_skipped() -> None:
    result = judged("outliers", {"c": ["a"]}, {"c": ["a"]})
    assert (result.outcome, result.reason) == (Outcome.SKIPPED, "no column of `train` has a range")


def test_a_number_that_became_text_or_went_away_is_told() -> None:
    result = judged("outliers", {"a": ["x"]}, {"a": [1], "b": [2]})
    assert messages(result) == ["the column `a` is string, expected numbers", "the column `b` of `train` is not there"]


# Against the baseline -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        (100, None),
        (110, None),
        (90, None),
        (111, "warning"),
        (89, "warning"),
        (151, "error"),
        (49, "error"),
        (0, "error"),
    ],
)
def test_rows_may_change_by_a_share_of_what_they_were(rows: int, level: str | None) -> None:
    options = {"change": {"warning": "10%", "error": "50%"}}
    result = judged("rows", {"x": [1] * rows}, {}, options, baseline=built({"x": [1] * 100}))
    assert [finding.level.value for finding in result.findings] == ([level] if level else [])
    assert named(result)["change of rows from 100"].value == abs(rows - 100) / 100


def test_rows_of_a_dataset_that_the_baseline_lacks_have_nothing_to_be_compared_with() -> None:
    bench = FakeBench(NOWHERE, {"current": FakeTable({"x": [1]})})
    result = run_check("rows", {"change": 0.1}, files={"model.yaml": manifest()}, dataset="current", bench=bench)
    assert (result.outcome, messages(result)) == (
        Outcome.PASSED,
        ["the baseline has no dataset `current`: there is nothing to compare with"],
    )


def test_rows_need_no_baseline_where_no_change_is_limited() -> None:
    files = {"model.yaml": manifest(), "c.csv": "x\n1\n"}
    assert run_check("rows", {"min": 1}, files=files, dataset="current", terms=Terms()).outcome is Outcome.PASSED


def test_a_column_that_lost_its_values_has_no_type_to_be_another_one() -> None:
    before = built({"x": [1, 2], "y": [1, 2]})
    result = judged("schema-change", {"x": [None, None], "y": ["a", "b"]}, {}, baseline=before)
    assert [text.split(" was ")[0] for text in messages(result)] == ["the column `y`"]


def test_a_column_that_had_no_values_may_become_anything() -> None:
    before = built({"x": [None, None]})
    assert messages(judged("schema-change", {"x": [1, 2]}, {}, baseline=before)) == []


def test_a_column_that_is_gone_is_looked_for_among_the_new_ones() -> None:
    result = judged("schema-change", {"incomes": [1]}, {}, baseline=built({"income": [1]}))
    assert [finding.hint for finding in result.findings] == ["is it `incomes` now?", ""]
    assert [finding.level for finding in result.findings] == [Level.ERROR, Level.NOTE]


def test_the_usual_limits_are_those_of_scorecards() -> None:
    assert comparison.PSI == {"warning": 0.1, "error": 0.25}
