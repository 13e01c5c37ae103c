from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import document
from mlci.conformance import _validator, dotted, held_against, problems
from mlci.findings import Finding, InvalidFile, Level
from mlci.places import Location
from mlci.registry import packed
from mlci.specs import Config, Model, Output, join
from mlci.workspace import read_config, read_model

SMALL = """\
version: 1
name: demo
artifact: model.onnx
datasets: {test: {path: test.csv, target: y}}
checks:
- metric: {data: test, name: accuracy, min: 0.9}
"""

FULL = """\
version: 1
name: churn
description: Probability that a customer leaves.
owners: ["@acme/growth", "@someone"]
artifact: model/churn.skops
runtime: {kind: sklearn, python: .venv/bin/python}
task: binary
output: {prediction: label, probabilities: p, classes: [0, 1], positive: 1, threshold: 0.4}
datasets:
  train:
    path: data/train-*.parquet
    target: churned
    key: [customer_id]
    columns:
      tenure: {type: int, required: true}
      plan: {type: string, required: {mostly: 99%, severity: warning}}
    checks:
    - rows: {min: 1000}
    - columns
  test:
    path: data/test.parquet
    like: train
    columns:
      plan: {type: string}
    checks:
    - rows: {min: {warning: 100, error: 10}}
      id: enough
      severity: warning
      why: small on purpose
checks:
- metric: {data: test, name: roc_auc, min: 0.9}
- metric: {data: test, name: f1, min: 0.5, max: {warning: 0.99}}
- artifact: {size: {max: 50MiB}}
- beats-trivial
- card: {path: ../cards/churn.md, sections: [Limits]}
train: {command: [python, train.py], needs: [train.py, ../params/*.yaml]}
"""


def model(text: str, path: str = "models/m/model.yaml") -> Model:
    return read_model(document.read(text.encode(), path))


def config(text: str) -> Config:
    return read_config(document.read(text.encode(), "mlci.yaml"))


def wrong(text: str, path: str = "model.yaml") -> list[Finding]:
    """What is wrong with a manifest; each finding with its place, and of a length that is read."""
    read = read_config if path == "mlci.yaml" else read_model
    with pytest.raises(InvalidFile) as caught:
        read(document.read(text.encode(), path))
    for finding in caught.value.findings:
        assert finding.level is Level.ERROR
        assert finding.at is not None
        assert (finding.at.path, bool(finding.at.line), bool(finding.at.column)) == (path, True, True)
        assert 0 < len(finding.message) < 600
        assert len(finding.hint) < 600
    return list(caught.value.findings)


def told(text: str, path: str = "model.yaml") -> list[str]:
    return [f"{finding.at}: {finding.message}".removeprefix(f"{path}:") for finding in wrong(text, path)]


def small(**changed: str) -> str:
    """The small manifest with keys of the top replaced or added, as written."""
    lines = {line.partition(":")[0]: line for line in SMALL.splitlines() if not line.startswith("-")}
    lines["checks"] = "\n".join(SMALL.splitlines()[-2:])
    lines |= {key: f"{key}: {text}" for key, text in changed.items()}
    return "".join(f"{line}\n" for line in lines.values())


# Specs ------------------------------------------------------------------------------------------------------------


def test_a_small_manifest_is_a_model() -> None:
    found = model(SMALL, "model.yaml")
    assert (found.name, found.artifact, found.folder) == ("demo", "model.onnx", "")
    assert (found.runtime, found.python, found.task, found.output) == ("auto", None, None, Output())
    (check,) = found.checks
    assert (check.check, check.id, check.severity) == ("metric", "metric-accuracy-test", Level.ERROR)
    assert (check.dataset, check.required, check.why) == (None, False, "")
    assert check.options == {"data": "test", "name": "accuracy", "min": 0.9}


def test_a_full_manifest_is_a_model() -> None:
    found = model(FULL)
    assert (found.runtime, found.python, found.task) == ("sklearn", ".venv/bin/python", "binary")
    assert found.output == Output(prediction="label", probabilities="p", classes=(0, 1), positive=1, threshold=0.4)
    assert found.needs == ("train.py", "../params/*.yaml")
    assert [check.check for check in found.checks] == ["metric", "metric", "artifact", "beats-trivial", "card"]
    assert [check.id for check in found.checks_of(data=True)] == ["rows-train", "columns-train", "enough"]
    assert [check.id for check in found.checks_of(data=False)] == [
        *("metric-roc_auc-test", "metric-f1-test", "artifact", "beats-trivial", "card"),
    ]


def test_a_check_of_a_dataset_knows_it_and_carries_what_is_common() -> None:
    enough = model(FULL).datasets["test"].checks[0]
    assert (enough.dataset, enough.id, enough.severity, enough.why) == (
        *("test", "enough", Level.WARNING, "small on purpose"),
    )
    assert enough.options == {"min": {"warning": 100, "error": 10}}


def test_a_check_points_at_its_options() -> None:
    found = model(FULL)
    assert found.at(*(found.checks[0].pointer or ()), "min") == Location("models/m/model.yaml", 31, 44)
    assert found.at(*(found.checks[3].pointer or ())) == Location("models/m/model.yaml", 34, 3)


def test_a_dataset_like_another_takes_what_it_does_not_say_itself() -> None:
    datasets = model(FULL).datasets
    assert (datasets["test"].target, datasets["test"].key) == ("churned", ("customer_id",))
    assert dict(datasets["test"].columns) == {
        "tenure": {"type": "int", "required": True},
        "plan": {"type": "string"},
    }
    assert list(datasets["test"].columns) == ["tenure", "plan"]
    assert datasets["test"].columns_pointer == ("datasets", "test", "columns")
    assert dict(datasets["train"].columns)["plan"] == {
        "type": "string",
        "required": {"mostly": "99%", "severity": "warning"},
    }


def test_the_rules_of_a_dataset_like_another_stand_where_the_other_has_them() -> None:
    text = small(datasets="{a: {path: a.csv, columns: {x: {type: int}}}, b: {path: b.csv, like: a}, test: {path: t}}")
    assert model(text).datasets["b"].columns_pointer == ("datasets", "a", "columns")


@pytest.mark.parametrize(
    ("folder", "written", "expected"),
    [
        ("", "a.csv", "a.csv"),
        ("models/m", "a.csv", "models/m/a.csv"),
        ("models/m", "./d//a.csv", "models/m/d/a.csv"),
        ("models/m", "../shared/a.csv", "models/shared/a.csv"),
        ("models/m", "../../a.csv", "a.csv"),
        ("models/m", "d/", "models/m/d"),
        ("models/m", ".", "models/m"),
        ("models/m", "../../../a.csv", "../../../a.csv"),
        ("", "..", ".."),
    ],
)
def test_a_path_is_seen_from_the_folder_of_its_manifest(folder: str, written: str, expected: str) -> None:
    assert join(folder, written) == expected


segments = st.lists(st.sampled_from(["a", "b", ".", "..", "", "c.d"]), max_size=6).map("/".join)


@given(segments.filter(lambda path: ".." not in path), segments)
def test_a_joined_path_has_no_dots_and_joins_to_itself(folder: str, written: str) -> None:
    joined = join(folder, written)
    if joined != written:
        assert not {"", ".", ".."} & set(joined.split("/")) or joined == ""
        assert join("", joined) == joined


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        (("checks", 0, "metric"), "checks[0].metric"),
        (("a",), "a"),
        ((1, 2), "[1][2]"),
        (("a\x1b[2J", "b\nc"), "a\\x1b[2J.b\\nc"),
        (("x" * 500,), "x" * 120 + "…"),
    ],
    ids=["checks", "one", "numbers", "controls", "long"],
)
def test_a_pointer_is_shown_as_a_person_writes_it(pointer: tuple[Any, ...], expected: str) -> None:
    assert dotted(pointer) == expected


# What a schema says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "the file is an empty list, expected a mapping that begins with `version: 1`"),
        ("[a]", "the file is a list, expected a mapping"),
        ("x", "the file is `x`, expected a mapping"),
        ("5", "the file is 5, expected a mapping"),
        ("~", "the file is empty, expected a mapping"),
        ("true", "the file is true, expected a mapping"),
    ],
)
@pytest.mark.parametrize("path", ["model.yaml", "mlci.yaml"])
def test_a_file_that_is_no_mapping_is_refused(text: str, says: str, path: str) -> None:
    (only,) = told(text, path)
    assert only.startswith("1:1: ")
    assert says in only


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("2", "`version` is 2; this mlci reads version 1"),
        ("true", "`version` is true; this mlci reads version 1"),
        ('"1"', "`version` is a text, expected the number 1"),
        ("1.0.0", "`version` is `1.0.0`; this mlci reads version 1"),
        ("~", "`version` is empty; this mlci reads version 1"),
        ("[1]", "`version` is a list; this mlci reads version 1"),
    ],
)
@pytest.mark.parametrize("path", ["model.yaml", "mlci.yaml"])
def test_another_version_is_refused_before_anything_else_is_looked_at(version: str, says: str, path: str) -> None:
    assert told(f"nonsense: 1\nversion: {version}\n", path) == [f"2:10: {says}"]


def test_a_missing_version_is_told_first_and_once() -> None:
    first, second = wrong(SMALL.replace("version: 1\n", "").replace("demo", "Demo"))
    assert (first.message, first.hint) == ("`version` is missing", "write `version: 1` on the first line")
    assert second.message.startswith("`name` is `Demo`")


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (small(artefact="x"), "7:1: unknown key `artefact`", "did you mean `artifact`?"),
        (small(zzz="x"), "7:1: unknown key `zzz`", "one of: artifact, checks, "),
        (SMALL.replace("target: y", "traget: y"), "4:35: unknown key `traget` in `datasets.test`", "`target`?"),
        (SMALL.replace("min:", "minn:"), "unknown key `minn` in `checks[0].metric`", "did you mean `min`?"),
        (SMALL.replace("metric:", "metrik:"), "6:3: unknown key `metrik` in `checks[0]`", "did you mean `metric`?"),
        (SMALL.replace("accuracy", "acuracy"), "`checks[0].metric.name` is `acuracy`, expected one of", "`accuracy`?"),
        (small(task="binray"), "`task` is `binray`, expected one of binary, ", "did you mean `binary`?"),
        (SMALL + "- rows: {min: 1}\n", "unknown key `rows`", "a check of a dataset: move it to `checks:` of one"),
        (
            SMALL.replace("target: y", "checks: [{artifact: {}}]"),
            "unknown key `artifact`",
            "a check of the model: move it to `checks:` at the top",
        ),
        (SMALL + "- beats-trival\n", "`checks[1]` is `beats-trival`, expected one of", "did you mean `beats-trivial`?"),
    ],
)
def test_a_word_that_is_not_known_comes_with_the_one_that_is_meant(text: str, says: str, hint: str) -> None:
    finding = wrong(text)[0]
    assert says in f"{finding.at}: {finding.message}"
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (SMALL.replace("name: demo\n", ""), "1:1: `name` is missing", "add `name:`, a name of a-z, 0-9"),
        (SMALL.replace("path: test.csv, ", ""), "`path` is missing in `datasets.test`", "add `path:`"),
        (SMALL.replace(", name: accuracy", ""), "`name` is missing in `checks[0].metric`", "add `name:`, one of acc"),
        (small(name="5"), "2:7: `name` is 5, expected a name", "quote it if it is text"),
        (small(name=""), "`name` is empty, expected a name", ""),
        (
            SMALL.replace("0.9", '"0.9"'),
            "`checks[0].metric.min` is `0.9`, expected a number",
            "write it without quotes",
        ),
        (SMALL.replace("0.9", "90%"), "`checks[0].metric.min` is `90%`, expected a number", ""),
        (small(datasets="[a]"), "`datasets` is a list, expected a mapping of names to datasets", ""),
        (small(checks="{a: b}"), "`checks` is a mapping, expected a list of checks", ""),
        (small(owners="me"), "`owners` is `me`, expected a list of users and teams", ""),
        (small(runtime="{python: x}"), "`kind` is missing in `runtime`", "add `kind:`"),
        (small(runtime="sklaern"), "there is no runtime `sklaern`", "did you mean `sklearn`?"),
        (small(runtime="{kind: sklaern}"), "7:17: there is no runtime `sklaern`", "did you mean `sklearn`?"),
        (small(output="{threshold: 2}"), "`output.threshold` is 2, expected the probability", ""),
        (small(output="{classes: [a]}"), "`output.classes` is a list, expected the classes", ""),
        (small(description="x" * 5000), "expected a text", ""),
    ],
)
def test_a_value_that_is_not_allowed_says_what_is_expected(text: str, says: str, hint: str) -> None:
    findings = wrong(text)
    match = next(finding for finding in findings if says in f"{finding.at}: {finding.message}")
    assert hint in match.hint


def test_unknown_keys_stand_before_what_they_explain() -> None:
    assert [line.partition(": ")[2] for line in told("version: 1\nname: a\nartefact: x\nowners: 5\n")] == [
        "unknown key `artefact`",
        "`owners` is 5, expected a list of users and teams",
        "`artifact` is missing",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Demo",
            "de mo",
            "d\u0435mo",
            "dem\u03bf",
            "\uff44emo",
            "de\u0301mo",
            "🙂",
            "../x",
            "..",
            ".hidden",
            "-rf",
            "_x",
        ),
        *(
            "a/b",
            "a\\b",
            "a#1",
            "a@v1",
            "a%0A",
            "a:b",
            "demo\n",
            "a\nb",
            "a\tb",
            "de\u00a0mo",
            "",
            " ",
            "x" * 65,
            "$(x)",
        ),
    ],
    ids=ascii,
)
def test_a_name_is_small_plain_letters_only(name: str) -> None:
    (only,) = told(small(name=json.dumps(name, ensure_ascii=False)))
    assert only.startswith("2:7: `name` is `")
    assert "expected a name of a-z, 0-9, `.`, `_` and `-`" in only


@pytest.mark.parametrize("name", ["a", "0", "demo-1.2_b", "x" * 64])
def test_a_plain_name_is_allowed(name: str) -> None:
    assert model(small(name=f'"{name}"')).name == name


@pytest.mark.parametrize(
    "bound",
    [
        *("true", "false", '"0.9"', '""', "~", "-1", "-0.5", "0", "0.0", "-1.0e-3", "1.5", "100", "[0.9]", "{}"),
        *("{error: true}", "{warning: -1}", "{error: 0.9, note: 0.8}", "{error: ~}", "90%", "nan", "inf"),
    ],
)
def test_a_gate_that_could_never_close_is_refused(bound: str) -> None:
    assert any("checks[0].metric.min" in line for line in told(SMALL.replace("0.9", bound)))


@pytest.mark.parametrize("bound", ["0.9", "1", "1.0e-3", "{error: 0.9}", "{warning: 0.95, error: 0.9}"])
def test_a_gate_that_can_close_is_allowed(bound: str) -> None:
    assert model(SMALL.replace("0.9", bound)).checks


def test_a_metric_that_is_better_when_smaller_has_bounds_of_its_own() -> None:
    text = SMALL.replace("name: accuracy, min: 0.9", "name: rmse, max: {}")
    assert model(text.replace("{}", "3.5")).checks
    assert wrong(text.replace("{}", "-3.5"))


@pytest.mark.parametrize(
    ("size", "allowed"),
    [
        ("50MiB", True),
        ("1.5GB", True),
        ("50", False),
        ("50 MiB", False),
        ("MiB", False),
        ("-5MiB", False),
        ("5MiB\n", False),
    ],
    ids=ascii,
)
def test_a_size_carries_its_unit(size: str, allowed: bool) -> None:
    text = SMALL + f"- artifact: {{size: {{max: {json.dumps(size)}}}}}\n"
    if allowed:
        assert model(text).checks[1].options == {"size": {"max": size}}
    else:
        assert "expected a size with its unit" in told(text)[0]


# What no schema says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/etc/passwd", "it is absolute"),
        ("../x", "it leads outside the repository"),
        ("a/../../x", "it leads outside the repository"),
        ("a\\b", "a backslash"),
        ("C:/x", "a URL or a drive"),
        ("file:///etc/passwd", "a URL or a drive"),
        ("~/.ssh/id_rsa", "a home folder"),
        (".git/config", "belongs to git"),
        (" ", "an empty path"),
    ],
)
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("artifact", small(artifact="HERE")),
        ("datasets.test.path", SMALL.replace("test.csv", "HERE")),
        ("train.needs[0]", small(train="{needs: [HERE]}")),
        ("path", SMALL + "- card: {path: HERE}\n"),
    ],
    ids=["artifact", "dataset", "needs", "card"],
)
def test_a_path_outside_the_repository_is_refused_wherever_it_stands(key: str, text: str, path: str, says: str) -> None:
    lines = [line for line in told(text.replace("HERE", json.dumps(path))) if says in line]
    assert len(lines) == 1
    assert key in lines[0]
    assert "outside the repository" in lines[0]


@pytest.mark.parametrize("path", ["*.onnx", "m?.onnx", "m[12].onnx"])
def test_an_artifact_is_one_file_and_no_pattern(path: str) -> None:
    assert "one file or folder is expected, not a pattern" in told(small(artifact=f'"{path}"'))[0]


def test_how_far_up_a_path_may_lead_is_told_by_the_folder_of_its_manifest() -> None:
    text = small(artifact="../../model.onnx")
    assert model(text, "models/a/model.yaml").artifact == "../../model.onnx"
    assert "leads outside" in told(text, "models/model.yaml")[0]


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (SMALL.replace("data: test", "data: tset"), "6:18: `data` names `tset`, which is no dataset", "mean `test`?"),
        (SMALL.replace("target: y", "like: test"), "`like` names `test`, which is no other dataset", ""),
        (SMALL.replace("target: y", "like: train"), "`like` names `train`, which is no other dataset", ""),
        (
            small(datasets="{test: {path: a, like: b}, b: {path: b, like: c}, c: {path: c}}"),
            "`like` names `b`, which is like another itself",
            "name `c`",
        ),
        (SMALL + "- {}\n", "7:3: one check is expected in `checks[1]`, found none", "a dash of its own"),
        (SMALL + "- {id: x, why: y}\n", "one check is expected in `checks[1]`, found none", "a dash of its own"),
        (
            SMALL + "- card: {}\n  beats-trivial: {}\n",
            "one check is expected in `checks[1]`, found `card` and `beats-trivial`",
            "a dash of its own",
        ),
        (
            SMALL + "- metric: {data: test, name: accuracy, max: 0.99}\n",
            "7:3: two checks have the id `metric-accuracy-test`; the first stands at line 6",
            "give one of them an `id:`",
        ),
        (
            SMALL + "- card: {}\n  id: a\n- artifact: {}\n  id: a\n",
            "two checks have the id `a`",
            "give one of them an `id:`",
        ),
        (SMALL + "- card: {}\n  id: artifact\n", "the id `artifact` belongs to a check that every model can have", ""),
        (SMALL + "- card: {}\n  id: columns-test\n", "the id `columns-test` belongs to a check", "name it otherwise"),
        (SMALL.replace("min: 0.9", "min: 0.9, max: 0.1"), "`min` is 0.9 and `max` is 0.1: no number can satisfy", ""),
        (SMALL.partition("checks")[0], "1:1: no check is asked for", "add `checks:` with at least one"),
        (small(checks="[]"), "1:1: no check is asked for", "add `checks:` with at least one"),
    ],
)
def test_what_does_not_fit_together_is_refused(text: str, says: str, hint: str) -> None:
    finding = wrong(text)[0]
    assert says in f"{finding.at}: {finding.message}"
    assert hint in finding.hint


def test_rules_of_columns_alone_are_something_to_check() -> None:
    text = SMALL.partition("checks")[0].replace("target: y", "columns: {y: {type: int}}")
    assert model(text).checks == ()


def test_an_id_of_its_own_keeps_two_checks_apart() -> None:
    text = SMALL + "- metric: {data: test, name: accuracy, max: 0.99}\n  id: not-too-good\n"
    assert [check.id for check in model(text).checks] == ["metric-accuracy-test", "not-too-good"]


def test_an_id_that_is_made_of_names_holds_plain_letters_only() -> None:
    text = small(datasets='{"te st/é": {path: a}}', checks='[{metric: {data: "te st/é", name: r2, min: 0.1}}]')
    assert model(text).checks[0].id == "metric-r2-te_st__"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = small(artifact="/x", train="{needs: [../y]}").replace("data: test", "data: tset")
    assert [line.partition(":")[0] for line in told(text)] == ["6", "3", "7"]


# mlci.yaml --------------------------------------------------------------------------------------------------------


def test_an_almost_empty_configuration_is_the_defaults() -> None:
    assert config("version: 1\n") == Config()
    assert Config().models == ("models/*",)


def test_a_configuration_is_read() -> None:
    found = config(
        "version: 1\nmodels: [a/*, 'b/**']\nrequire: [card, artifact, card]\n"
        "defaults: {metric: {min: 0.5}, rows: {min: 10}}\nlimits: {load: 20s, memory: 2GiB}\n"
    )
    assert found.models == ("a/*", "b/**")
    assert found.require == ("card", "artifact")
    assert found.defaults == {"metric": {"min": 0.5}, "rows": {"min": 10}}
    assert found.limits == {"load": "20s", "memory": "2GiB"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models: [../x]", "2:10: `models[0]` is `../x`: it leads outside the repository"),
        ("models: [a, /etc/*]", "2:13: `models[1]` is `/etc/*`: it is absolute"),
        ("models: []", "`models` is an empty list, expected a list of globs"),
        ("models: models/*", "`models` is `models/*`, expected a list of globs"),
        ("model: [a]", "2:1: unknown key `model`"),
        ("require: [cart]", "`require[0]` is `cart`, expected one of"),
        ("require: [rows]", "`require[0]` is `rows`, expected one of"),
        ("defaults: {metric: {minimum: 1}}", "unknown key `minimum` in `defaults.metric`"),
        ("defaults: {metrik: {}}", "unknown key `metrik` in `defaults`"),
        ("limits: {load: 20}", "`limits.load` is 20, expected how long a model may take to load"),
        ("limits: {load: 20 s}", "`limits.load` is `20 s`, expected"),
        ('limits: {load: "20s\\n"}', "`limits.load` is `20s\\n`, expected"),
        ("limits: {time: 20s}", "unknown key `time` in `limits`"),
        ("trust: {pickle: true}", "unknown key `trust`"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused_with_its_place(text: str, says: str) -> None:
    assert any(says in line for line in told(f"version: 1\n{text}\n", "mlci.yaml"))


SHAPES = ["~", "true", "1", "a", "[]", "[~]", "[[a]]", "{}", "{a: ~}", "{a: [b]}", "[{a: {b: c}}]", "[{data: [x]}]"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("key", ["artifact", "checks", "datasets", "output", "owners", "runtime", "task", "train"])
def test_a_manifest_of_any_shape_is_a_model_or_refused_in_words(key: str, shape: str) -> None:
    text = small(**{key: shape})
    if (key, shape) in {("output", "{}"), ("owners", "[]"), ("train", "{}"), ("artifact", "a")}:
        assert model(text).name == "demo"
    else:
        assert told(text)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("key", ["models", "require", "defaults", "limits"])
def test_a_configuration_of_any_shape_is_read_or_refused_in_words(key: str, shape: str) -> None:
    text = f"version: 1\n{key}: {shape}\n"
    if (key, shape) in {("require", "[]"), ("defaults", "{}"), ("limits", "{}")}:
        assert config(text) == Config()
    else:
        assert told(text, "mlci.yaml")


# Size -------------------------------------------------------------------------------------------------------------

HEAD = "version: 1\nname: demo\nartifact: m.onnx\n"
CHECKS = "checks:\n- metric: {data: test, name: accuracy, min: 0.9}\n"
HUGE = {
    "unknown keys": SMALL + "".join(f"k{i}: 1\n" for i in range(19_000)),
    "unknown checks": f"{HEAD}checks:\n" + "".join(f"- k{i}\n" for i in range(19_000)),
    "datasets like none": f"{HEAD}datasets:\n"
    + "".join(f"  d{i}: {{path: t, like: e{i}}}\n" for i in range(6_000))
    + CHECKS,
    "names that are near": f"{HEAD}datasets:\n"
    + "".join(f"  {'d' * 90}{i}: {{path: t, like: {'d' * 90}x{i}}}\n" for i in range(3_000))
    + CHECKS,
    "checks of no dataset": f"{HEAD}datasets:\n"
    + "".join(f"  d{i}: {{path: t}}\n" for i in range(3_000))
    + "checks:\n"
    + "".join(f"- metric: {{data: x{i}, name: accuracy, min: 0.9}}\n" for i in range(2_000)),
    "checks of one id": SMALL + "- metric: {data: test, name: accuracy, min: 0.9}\n" * 3_000,
    "empty checks": f"{HEAD}checks:\n" + "- {}\n" * 19_000,
    "a long name": small(name="a" * 900_000),
    "a long path": small(artifact="a/" * 400_000),
    "a long key": SMALL + f"? {'a' * 900_000}\n: 1\n",
    "a long check": SMALL + f"- {'a' * 900_000}\n",
    "paths outside": SMALL + f"train: {{needs: [{', '.join(f'../x{i}' for i in range(18_000))}]}}\n",
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_no_manifest_is_slow_to_refuse(text: str) -> None:
    # comparing each with each would take minutes here
    assert wrong(text)


def test_many_datasets_like_one_of_many_columns_share_them() -> None:
    columns = ", ".join(f"c{i}: {{}}" for i in range(8_000))
    like = "".join(f"  d{i}: {{path: t, like: base, columns: {{x: {{}}}}}}\n" for i in range(1_500))
    text = f"{HEAD}datasets:\n  test: {{path: t}}\n  base: {{path: t, columns: {{{columns}}}}}\n{like}{CHECKS}"
    tracemalloc.start()
    found = model(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.datasets["d7"].columns) == 8_001
    assert peak < 128 << 20


# Somebody's own schema --------------------------------------------------------------------------------------------


def against(schema: Any, instance: Any) -> list[str]:
    """What ``held_against`` says, without what stands before the place."""
    found = held_against(document.read(json.dumps(instance).encode(), "i.json"), schema)
    assert all(len(finding.message) < 700 and len(finding.hint) < 600 for finding in found)
    return [f"{finding.at}: {finding.message}".removeprefix("i.json:") for finding in found]


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({}, None),
        ({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ({"properties": {"version": {"type": "string"}}}, {"version": "1"}),
        ({"properties": {"version": True}}, {"version": "1"}),
        ({"properties": {"version": {"const": 2}}}, {}),
        ({"pattern": "^a$"}, "a"),
        ({"pattern": "a\\$"}, "a$\n"),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"xa": 1}),
        ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}, {"a": 2}, 0, False, None]),
        ({"$id": "http://[::1", "$defs": {"z": {"type": "integer"}}, "$ref": "#/$defs/z"}, 1),
        ({"$schema": "https://json-schema.org/draft/2019-09/schema", "type": "integer"}, 1),
        ({"const": {"$ref": "#/$defs/a"}, "$defs": {"a": {"type": "integer"}}}, {"$ref": "#/$defs/a"}),
        ({"multipleOf": 1e-300}, 3e-300),
    ],
)
def test_a_document_that_its_schema_allows_has_no_findings(schema: Any, instance: Any) -> None:
    assert against(schema, instance) == []


@pytest.mark.parametrize(
    ("schema", "instance", "says"),
    [
        ({"type": "integer"}, True, "1:1: the file is true, expected integer"),
        ({"const": 1}, True, "the file is true, expected 1"),
        ({"enum": [0, 1]}, False, "the file is false, expected one of 0, 1"),
        ({"type": "number", "minimum": 0.9}, None, "the file is empty, expected number"),
        ({"properties": {"a": {"type": "integer"}}}, {"a": "x"}, "1:7: `a` is `x`, expected integer"),
        ({"properties": {"a": {"type": "integer", "description": "a count"}}}, {"a": "x"}, "expected a count"),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "string", "description": "a name"}}}, 1, "expected a name"),
        ({"properties": {"a": True}, "required": ["a"]}, {}, "`a` is missing"),
        ({"properties": {"a": False}}, {"a": 1}, "1 is not allowed"),
        ({"additionalProperties": False}, {"a": 1}, "1:2: unknown key `a`"),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"xa": 1, "b": 2}, "1:11: unknown key `b`"),
        ({"dependentSchemas": {"a": False}}, {"a": 1}, "is not allowed"),
        ({"if": {"type": "string"}, "then": {"minLength": 3}, "else": False}, 1, "1 is not allowed"),
        ({"items": {"pattern": "^a$"}}, ["a\n"], "`[0]` is `a\\n`"),
        ({"items": {"pattern": "^a\\\\$"}}, ["a\\\n"], "`[0]` is `a\\\\n`"),
        ({"uniqueItems": True}, [1, 1.0], "items that differ"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "items that differ"),
        ({"anyOf": [{"type": "integer"}, {"type": "array"}]}, "s", "the file is `s`, expected integer"),
        ({"oneOf": [{"type": "integer"}, {"minimum": 3}]}, 5, "is valid under each of"),
        ({"not": {}}, 1, "the file is 1"),
        ({"not": {"type": "string"}}, "x" * 900_000, "the file is `xxx"),
        ({"enum": ["x" * 900_000, "y" * 900]}, "z", "the file is `z`, expected one of xxx"),
        ({"type": "integer"}, "\x9b31m"[1:], "expected integer"),
    ],
)
def test_a_document_that_its_schema_does_not_allow_is_told_so_in_words(schema: Any, instance: Any, says: str) -> None:
    assert any(says in line for line in against(schema, instance))


def test_only_the_first_of_two_lines_says_the_place_of_a_finding() -> None:
    read = document.read(b"a:\n  - 1\n  - x\n", "p.yaml")
    (finding,) = held_against(read, {"properties": {"a": {"items": {"type": "integer"}}}})
    assert str(finding.at) == "p.yaml:3:5"


SLOW: dict[str, tuple[Any, Any]] = {
    "an enum for every item": ({"items": {"enum": [f"e{i}" for i in range(15_000)]}}, [f"x{i}" for i in range(15_000)]),
    "branches for every item": (
        {"items": {"anyOf": [{"type": "integer", "minimum": i} for i in range(1_500)]}},
        ["x"] * 15_000,
    ),
    "branches that hold": ({"items": {"allOf": [{"items": {}} for _ in range(2_000)]}}, [[0] * 9] * 1_900),
    "empty branches": ({"items": {"allOf": [{} for _ in range(4_000)]}}, ["x"] * 15_000),
    "properties for every item": ({"items": {"properties": {f"k{i}": {} for i in range(4_000)}}}, [{}] * 15_000),
    "two repeats": ({"pattern": "^a*a*$"}, "a" * 500_000 + "b"),
    "a repeat anywhere": ({"pattern": "a*b"}, "a" * 900_000),
    "spaces before the end": ({"pattern": "\\s+$"}, " " * 900_000 + "x"),
    "a lazy repeat": ({"pattern": "^.*?.*?x"}, "a" * 500_000),
    "a long count": ({"pattern": "[ab]{50000}c"}, "a" * 900_000),
    "an atomic group": ({"pattern": "(?>a+)b"}, "a" * 500_000),
    "patterns for every key": (
        {"patternProperties": {f"^k.*{i}": {} for i in range(90)}, "additionalProperties": False},
        {f"{'k' * 40}x{i}": 1 for i in range(15_000)},
    ),
}


@pytest.mark.parametrize(("schema", "instance"), SLOW.values(), ids=SLOW)
def test_a_document_that_would_take_too_long_is_given_up(schema: Any, instance: Any) -> None:
    (line,) = against(schema, instance)
    assert line == "1:1: it takes too long to hold this file against its schema"


def test_errors_that_each_show_a_long_text_are_not_all_kept() -> None:
    tracemalloc.start()
    said = against({"anyOf": [{"type": "integer"}] * 1_500}, "x" * 900_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said
    assert peak < 64 << 20


def test_what_takes_few_steps_is_not_given_up() -> None:
    schema = {
        "items": {
            "type": "object",
            "required": ["id", "mail"],
            "properties": {
                "id": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}$"},
                "mail": {"type": "string", "pattern": "^[^@ ]+@[^@ ]+$", "maxLength": 100},
                "kind": {"enum": ["a", "b", "c"]},
            },
            "additionalProperties": False,
        },
        "uniqueItems": False,
    }
    rows = [{"id": f"{i:08x}-0000", "mail": f"someone.{i}@example.org", "kind": "abc"[i % 3]} for i in range(2_000)]
    assert against(schema, rows) == []
    assert len(against(schema, [{**row, "kind": "d"} for row in rows])) == 2_000


def test_items_of_any_kind_are_compared_in_one_pass() -> None:
    mixed = [value for i in range(9_000) for value in (i, f"s{i}")]
    assert against({"items": {"type": ["string", "integer"]}, "uniqueItems": True}, mixed) == []
    dicts = [{"a": i} for i in range(9_000)]
    assert len(against({"items": {"type": "object"}, "uniqueItems": True}, dicts)) == 0


def test_the_schema_of_mlci_itself_is_held_through_one_validator() -> None:
    schema = packed("model")
    read = document.read(SMALL.encode(), "model.yaml")
    assert problems(read, schema) == problems(read, schema) == []
    assert _validator(schema) is _validator(schema)
