from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import plan, registry
from mlci.errors import UsageError
from mlci.findings import Level
from mlci.plan import Only
from mlci.schema import DATA, MODEL
from mlci.specs import CheckSpec, Config, Model
from mlci.testing import model_from


@dataclass
class Kind:
    """A check's module as far as a plan looks at it."""

    GROUP: str
    SCOPE: str
    OPTIONS: dict[str, Any] = field(default_factory=dict)


KINDS = {
    "artifact": Kind("files", MODEL),
    "card": Kind("files", MODEL),
    "columns": Kind("data", DATA),
    "rows": Kind("data", DATA),
    "metric": Kind("model", MODEL, {"required": ["data", "name"]}),
    "beats-trivial": Kind("model", MODEL),
}


def kind(check: str) -> Kind:
    if check not in KINDS:
        raise UsageError(f"there is no check `{check}`")
    return KINDS[check]


def model(*checks: Any, **datasets: Any) -> Model:
    return model_from(
        {
            "version": 1,
            "name": "churn",
            "artifact": "m.onnx",
            "datasets": {name: {"path": f"{name}.csv", **spec} for name, spec in datasets.items()},
            "checks": list(checks) or ["artifact"],
        }
    )


def ids(model: Model, config: Config | None = None, *only: str) -> list[str]:
    return [spec.id for spec in plan.specs(model, config or Config(), Only(frozenset(only)), kind)]


def spec_of(check: str, model: Model, config: Config) -> CheckSpec:
    (found,) = (spec for spec in plan.specs(model, config, Only(), kind) if spec.check == check)
    return found


METRIC = {"metric": {"data": "test", "name": "accuracy", "min": 0.5}}
ROWS = {"rows": {"min": 1}}
COLUMNS = {"x": {"type": "int"}}


# Which checks of a model --------------------------------------------------------------------------------------------


def test_a_model_has_the_artifact_check_without_asking() -> None:
    assert ids(model("card")) == ["artifact", "card"]


def test_the_artifact_check_that_a_model_asks_for_is_the_only_one() -> None:
    assert ids(model({"artifact": {"type": "onnx"}})) == ["artifact"]


def test_a_dataset_with_columns_has_their_check_without_asking() -> None:
    assert ids(model("artifact", test={"columns": COLUMNS}, train={})) == ["columns-test", "artifact"]


def test_a_dataset_that_asks_for_the_check_of_its_columns_has_it_once() -> None:
    assert ids(model("artifact", test={"columns": COLUMNS, "checks": ["columns"]})) == ["columns-test", "artifact"]


def test_a_dataset_like_another_has_the_check_of_its_columns_too() -> None:
    both = model("artifact", train={"columns": COLUMNS}, test={"like": "train"})
    assert ids(both) == ["columns-train", "columns-test", "artifact"]


def test_the_findings_of_borrowed_columns_stand_where_the_columns_are_written() -> None:
    both = model("artifact", train={"columns": COLUMNS}, test={"like": "train"})
    found = {spec.id: spec.pointer for spec in plan.specs(both, Config(), Only(), kind)}
    assert found["columns-test"] == found["columns-train"] == ("datasets", "train", "columns")


def test_the_checks_of_data_come_before_those_of_the_model() -> None:
    assert ids(model(METRIC, "card", test={"checks": [ROWS], "target": "y"})) == [
        "artifact", "rows-test", "metric-accuracy-test", "card",
    ]  # fmt: skip


def test_the_policy_adds_what_it_requires() -> None:
    assert ids(model("artifact"), Config(require=("card", "beats-trivial"))) == ["card", "beats-trivial", "artifact"]


def test_what_a_model_asks_for_itself_is_not_added_by_the_policy() -> None:
    assert ids(model("artifact", {"card": {"path": "CARD.md"}}), Config(require=("card",))) == ["artifact", "card"]


def test_what_the_policy_requires_is_marked() -> None:
    required = {spec.id: spec.required for spec in plan.specs(model("card"), Config(require=("card",)), Only(), kind)}
    assert required == {"artifact": False, "card": True}


def test_a_model_keeps_its_own_options_of_a_required_check() -> None:
    found = spec_of("card", model({"card": {"path": "CARD.md"}}), Config(require=("card",)))
    assert found.options == {"path": "CARD.md"}


def test_a_model_cannot_loosen_what_the_policy_requires() -> None:
    loosened = model({"card": {}, "severity": "warning"})
    assert spec_of("card", loosened, Config(require=("card",))).severity is Level.ERROR
    assert spec_of("card", loosened, Config()).severity is Level.WARNING


# Only some of them --------------------------------------------------------------------------------------------------

WHOLE = model("card", METRIC, test={"columns": COLUMNS, "checks": [ROWS], "target": "y"})


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ((), ["artifact", "columns-test", "rows-test", "card", "metric-accuracy-test"]),
        (("files",), ["artifact", "card"]),
        (("data",), ["columns-test", "rows-test"]),
        (("model",), ["metric-accuracy-test"]),
        (("load",), []),
        (("rows",), ["rows-test"]),
        (("metric", "files"), ["artifact", "card", "metric-accuracy-test"]),
    ],
    ids=str,
)
def test_only_a_group_or_a_check_is_run(only: tuple[str, ...], expected: list[str]) -> None:
    assert ids(WHOLE, None, *only) == expected


def test_a_check_that_is_named_runs_though_the_model_does_not_ask_for_it() -> None:
    assert ids(WHOLE, None, "beats-trivial") == ["beats-trivial"]


@pytest.mark.parametrize("check", ["rows", "columns", "metric"])
def test_a_check_that_cannot_run_without_options_is_not_added_by_its_name(check: str) -> None:
    assert ids(model("card"), None, check) == []


def test_what_the_policy_requires_is_left_out_where_something_else_is_selected() -> None:
    assert ids(model("artifact"), Config(require=("card",)), "model") == []


def test_the_builtin_checks_declare_what_a_plan_asks_of_them() -> None:
    def builtin(check: str) -> plan.Kind:
        module: Any = registry.find("checks", check)
        declared: plan.Kind = module
        return declared

    for name in registry.CHECKS:
        assert builtin(name).GROUP in registry.GROUPS
        assert builtin(name).SCOPE in (DATA, MODEL)
    assert [spec.id for spec in plan.specs(WHOLE, Config(), Only(), builtin)] == ids(WHOLE)


@pytest.mark.parametrize(
    ("words", "item", "inside"),
    [((), ("rows", "data"), True), (("data",), ("rows", "data"), True), (("rows",), ("rows", "data"), True),
     (("model",), ("rows", "data"), False)],
    ids=["nothing named", "the group", "the check", "another group"],
)  # fmt: skip
def test_a_selection_holds(words: tuple[str, ...], item: tuple[str, str], inside: bool) -> None:
    assert (item in Only(frozenset(words))) is inside


# Options ------------------------------------------------------------------------------------------------------------


def test_the_options_of_a_model_win_over_the_defaults_of_the_repository() -> None:
    config = Config(defaults={"metric": {"confidence": "95%", "min": 0.1}, "rows": {"max": 5}})
    spec = CheckSpec(check="metric", id="m", options={"min": 0.9, "name": "f1"})
    assert plan.with_defaults(spec, config) == {"confidence": "95%", "min": 0.9, "name": "f1"}


def test_a_check_without_defaults_has_its_own_options() -> None:
    assert plan.with_defaults(CheckSpec(check="card", id="c", options={"path": "x"}), Config()) == {"path": "x"}


# Shards -------------------------------------------------------------------------------------------------------------


def test_a_shard_is_every_nth_name() -> None:
    assert plan.shard(["a", "b", "c", "d", "e"], "2/3") == ["b", "e"]


def test_one_shard_of_one_is_all_names() -> None:
    assert plan.shard(["a", "b"], "1/1") == ["a", "b"]


def test_there_may_be_more_shards_than_names() -> None:
    assert plan.shard(["a"], "7/9") == []


@given(st.lists(st.text(max_size=3), unique=True, max_size=40), st.integers(1, 50))
def test_together_the_shards_are_all_names_once_and_about_as_many_each(names: list[str], count: int) -> None:
    shards = [plan.shard(names, f"{index}/{count}") for index in range(1, count + 1)]
    assert sorted(name for part in shards for name in part) == sorted(names)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize(
    "part",
    ["", "/", "1", "1/", "/2", "0/2", "3/2", "-1/2", "1/-2", "1/0", "0/0", "a/b", "1/2/3", " 1/2", "1 / 2", "1.0/2",
     "+1/2", "²/3", "1/³", "٣/٤", "1/2\n", f"1/{'9' * 5000}"],
    ids=lambda part: repr(part)[:20],
)  # fmt: skip
def test_what_is_no_part_of_a_whole_is_refused(part: str) -> None:
    with pytest.raises(UsageError, match="expected i/n with 1 <= i <= n, such as 2/8"):
        plan.shard(["a"], part)


# What a change touches ----------------------------------------------------------------------------------------------

PATHS = {
    "churn": ["models/churn/model.yaml", "models/churn/m.onnx", "shared/features.py"],
    "fraud": ["models/fraud/model.yaml", "models/fraud/saved", "shared/features.py"],
    "price": ["models/price/model.yaml"],
}


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ([], set()),
        (["README.md"], set()),
        (["models/churn/m.onnx"], {"churn"}),
        (["models/fraud/saved/deep/weights.bin"], {"fraud"}),
        (["shared/features.py"], {"churn", "fraud"}),
        (["models/price/model.yaml", "models/churn/model.yaml"], {"churn", "price"}),
        (["models/churn/m.onnx.bak"], set()),
        (["models/fraud/saved-too/weights.bin"], set()),
        (["models/fraud/sav"], set()),
        # a submodule that was moved is one changed path above all its files
        (["shared"], {"churn", "fraud"}),
    ],
    ids=lambda value: ",".join(sorted(value)) or "nothing",
)
def test_a_change_touches_the_models_that_name_it(changed: list[str], touched: set[str]) -> None:
    assert plan.touched(PATHS, changed) == touched


names = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(st.sampled_from("xyz"), st.lists(names, max_size=4)), st.lists(names, max_size=4))
def test_a_model_is_touched_if_and_only_if_a_change_is_at_one_of_its_paths_or_below_or_above_it(
    paths: dict[str, list[str]], changed: list[str]
) -> None:
    expected = {
        model
        for model, own in paths.items()
        if any(f"{a}/".startswith(f"{b}/") for x in changed for y in own for a, b in ((x, y), (y, x)))
    }
    assert plan.touched(paths, changed) == expected


@pytest.mark.parametrize(
    ("default", "own", "both"),
    [
        ({"min": 0.9}, {"min": 0.5}, {"min": 0.9}),
        ({"min": 0.9}, {"min": 0.95}, {"min": 0.95}),
        ({"max": 4}, {"max": 9, "id": 1}, {"max": 4, "id": 1}),
        ({"size": {"max": "1MiB"}}, {"size": {"max": "1GiB"}}, {"size": {"max": "1MiB"}}),
        ({"size": {"max": "1GiB"}}, {"size": {"max": "500kB"}}, {"size": {"max": "500kB"}}),
        ({"sections": ["A", "B"]}, {"sections": ["C"]}, {"sections": ["A", "B", "C"]}),
        ({"type": "onnx"}, {"type": "pickle"}, {"type": "onnx"}),
        ({"min": {"error": 0.9}}, {"min": 0.1}, {"min": {"error": 0.9}}),
    ],
)
def test_of_a_required_check_a_model_may_tighten_the_defaults_never_loosen_them(
    default: dict[str, Any], own: dict[str, Any], both: dict[str, Any]
) -> None:
    config = Config(defaults={"c": default})
    assert plan.with_defaults(CheckSpec(check="c", id="c", options=own, required=True), config) == both
    assert plan.with_defaults(CheckSpec(check="c", id="c", options=own), config) == {**default, **own}
