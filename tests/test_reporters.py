"""Every reporter against one snapshot of the sample report, and against text that wants to be more than text.

Rewrite the snapshots with ``MLCI_REWRITE_SNAPSHOTS=1 pytest tests/test_reporters.py``, then read the diff: they are
what a user sees.
"""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import sample
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlci import escape, gate, registry
from mlci.findings import Finding, Level, Rows
from mlci.places import Location
from mlci.reporters import markdown, words
from mlci.reports import read_reports, render
from mlci.results import Limit, Measurement, ModelReport, Outcome, Report, Result

settings.register_profile("no clock", deadline=None)  # a busy machine is no failure
settings.load_profile("no clock")

REWRITE = bool(os.environ.get("MLCI_REWRITE_SNAPSHOTS"))  # read before the fixtures clear the environment
SNAPSHOTS = Path(__file__).parent / "snapshots"
SUFFIX = {"annotations": "txt", "json": "json", "junit": "xml", "markdown": "md", "terminal": "txt"}
COMMENT_LIMIT = 65_536

# any text at all, lone surrogates and controls among it, and more often what means something to a reader of output
TEXT = st.one_of(
    st.text(st.characters(), max_size=60),
    st.lists(st.sampled_from([*"|`\\*_<>@#:%,[]&\r\n\t\x1b\x00", "::", "##[", "\u202e", "ab"]), max_size=30).map(
        "".join
    ),
)


def one(text: str, outcome: Outcome = Outcome.FAILED) -> Report:
    """A report in which everything that can be text is this text."""
    result = Result(
        check=text,
        id=text,
        outcome=outcome,
        reason=text,
        findings=(
            Finding(Level.ERROR, text, Location(text, 1, 1), text, query=text, rows=Rows((text, "b"), ((text, text),))),
            Finding(Level.NOTE, text),
        ),
        measurements=(sample.measured(text, 1.0, unit=text),),
        at=Location(text),
    )
    return sample.report(ModelReport(name=text, path=text, results=(result,)))


# Snapshots -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SUFFIX))
def test_the_sample_report_reads_as_its_snapshot(name: str) -> None:
    path = SNAPSHOTS / f"{name}.{SUFFIX[name]}"
    rendered = render(sample.report(), name).encode()
    if REWRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(rendered)
    assert rendered == path.read_bytes(), "see the module's docstring for how to rewrite it"


def test_every_reporter_has_a_snapshot_and_no_snapshot_is_left_over() -> None:
    assert sorted(SUFFIX) == sorted(registry.REPORTERS)
    assert {path.name for path in SNAPSHOTS.iterdir()} == {f"{name}.{suffix}" for name, suffix in SUFFIX.items()}


def test_the_sample_report_has_every_outcome_and_level() -> None:
    results = [result for _, result in sample.report().results()]
    assert {result.outcome for result in results} == set(Outcome)
    assert {finding.level for result in results for finding in result.findings} == set(Level)


@pytest.mark.parametrize("name", sorted(SUFFIX))
def test_a_report_that_went_through_its_file_is_rendered_alike(name: str) -> None:
    report = sample.report()
    again = read_reports([("report.json", render(report, "json").encode())])
    assert render(again, name) == render(report, name)


# Every reporter --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SUFFIX))
def test_a_report_without_models_is_rendered(name: str) -> None:
    empty = render(Report(tool="mlci 0.0.1", started="2024-02-29T12:34:56+00:00"), name)
    assert empty.endswith("\n") or (name == "annotations" and empty == "")


@pytest.mark.parametrize("name", sorted(SUFFIX))
def test_a_thousand_models_are_rendered(name: str) -> None:
    report = sample.report(*(sample.passing(f"m{number:04}") for number in range(999)), sample.failing("zz-last"))
    rendered = render(report, name)
    assert name == "annotations" or "1,000 models" in rendered or rendered.count("m0123") >= 1
    assert "zz-last" in rendered


@pytest.mark.parametrize("name", sorted(SUFFIX))
@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_result_without_findings_and_measurements_is_rendered_whatever_its_outcome(
    name: str, outcome: Outcome
) -> None:
    result = Result(check="metric", id="metric", outcome=outcome, reason="")
    render(sample.report(ModelReport(name="churn", path=sample.GOOD, results=(result,))), name)


@pytest.mark.parametrize("name", sorted(SUFFIX))
@given(text=TEXT)
@example(text="\ud800")
def test_what_is_rendered_can_be_written_as_utf_8_and_holds_nothing_unseen(name: str, text: str) -> None:
    rendered = render(one(text), name)
    rendered.encode()
    assert not escape.UNSEEN.search(rendered)


def test_the_same_words_about_two_models_are_said_of_both() -> None:
    models = [
        ModelReport(
            name=name,
            path=f"{name}/model.yaml",
            results=(
                Result(check="x", id="x", outcome=Outcome.FAILED, findings=(Finding(Level.ERROR, "it is not there"),)),
            ),
        )
        for name in ("churn", "fraud")
    ]
    assert render(sample.report(*models), "annotations").count("it is not there") == 2


def test_a_finding_that_two_checks_of_one_place_share_is_said_once() -> None:
    finding = Finding(Level.ERROR, "the worker ended", Location("model.yaml", 3, 5))
    results = tuple(Result(check=c, id=c, outcome=Outcome.BROKEN, findings=(finding,)) for c in ("metric", "golden"))
    report = sample.report(ModelReport(name="churn", path="model.yaml", results=results))
    assert render(report, "annotations").count("the worker ended") == 1


@pytest.mark.parametrize(
    ("checks", "said"), [(2, "[c0, c1]: "), (3, "[c0, c1, c2]: "), (12, "[c0, c1, and 10 more]: ")]
)
def test_a_finding_that_checks_share_names_the_checks(checks: int, said: str) -> None:
    finding = Finding(Level.ERROR, "the column `age` is float, expected int", Location("model.yaml", 3, 5))
    results = tuple(
        Result(check="columns", id=f"c{number}", outcome=Outcome.FAILED, findings=(finding,))
        for number in range(checks)
    )
    assert f"error{said}" in render(sample.report(ModelReport(name="m", path="m", results=results)), "terminal")


def test_two_datasets_that_break_a_rule_in_as_many_rows_are_both_told() -> None:
    def broken(name: str) -> Result:
        query = f"select * from '{name}.csv' where age > 100"
        finding = Finding(Level.ERROR, "age outside [0, 100]", Location("model.yaml", 3, 5), query=query)
        return Result(check="columns", id=f"columns-{name}", outcome=Outcome.FAILED, findings=(finding,))

    report = sample.report(ModelReport(name="m", path="m", results=(broken("train"), broken("test"))))
    assert render(report, "terminal").count("query: ") == 2


@pytest.mark.parametrize("name", sorted(SUFFIX))
@given(text=TEXT)
@example(text="::error::x")
@example(text="  ::error::x")
@example(text="##[error]x")
@example(text="a\n::error::x")
@example(text="a\r\n##[group]x")
def test_no_line_of_what_is_printed_is_a_workflow_command_of_somebody_else(name: str, text: str) -> None:
    for line in re.split(r"[\n\r]", render(one(text), name)):
        assert name == "annotations" or not line.lstrip().startswith("::")
        assert "##[" not in line


# Terminal --------------------------------------------------------------------------------------------------------


@given(TEXT.filter(bool))
def test_hostile_text_adds_no_line_to_the_terminal(text: str) -> None:
    assert render(one(text), "terminal").count("\n") == render(one("x"), "terminal").count("\n")


def test_the_terminal_shows_what_blocks_most_first() -> None:
    table = render(sample.report(sample.churn(), sample.fraud()), "terminal").splitlines()
    seen = [word for line in table for word in re.findall(r"  (broken|failed|inconclusive|skipped|passed)\b", line)]
    assert seen == ["broken", "failed", "failed", "inconclusive", "skipped", "passed", "passed", "passed"]


def test_the_terminal_says_place_level_check_message_and_hint() -> None:
    lines = render(sample.report(sample.fraud()), "terminal").splitlines()
    where = lines.index("  hint: pip install 'mlci[onnx]'")
    assert lines[where - 1].startswith(
        "models/fraud/model.yaml:4:11: error[beats-trivial]: onnxruntime is not installed;"
    )


def test_the_terminal_counts_what_passed_when_there_is_much_of_it() -> None:
    report = sample.report(*(sample.passing(f"m{number}") for number in range(200)), sample.failing("bad"))
    rendered = render(report, "terminal")
    assert len(rendered.splitlines()) < 20
    assert "bad" in rendered.splitlines()[2]
    assert "201 models, 201 checks: 1 failed, 200 passed" in rendered


def test_the_last_line_of_the_terminal_is_the_verdict() -> None:
    assert render(sample.report(sample.churn()), "terminal").splitlines()[-1].startswith("passed: 1 model, 3 checks: ")
    assert render(sample.report(sample.failing("x")), "terminal").splitlines()[-1].startswith("refused: 1 model")


# Annotations -----------------------------------------------------------------------------------------------------

COMMAND = re.compile(r"::(error|warning|notice) [a-z]+=[^:,]*(,[a-z]+=[^:,]*)*::[^\n\r]*")


@given(TEXT)
@example("x,line=7::owned")
@example("%0A::error::owned")
@example("x\r\n::error::owned")
def test_an_annotation_stays_one_command_whatever_it_says(text: str) -> None:
    rendered = render(one(text), "annotations")
    lines = rendered.splitlines()
    assert rendered.count("\n") == len(lines) == 2
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert "##[" not in rendered
    assert not re.search(r"[\r\x00\x1b]", rendered)


def test_an_annotation_keeps_its_percent_signs() -> None:
    report = one("100%0A")
    assert "::100%250A" in render(report, "annotations")


def test_an_annotation_stands_at_its_line_and_column() -> None:
    first = render(sample.report(sample.fraud()), "annotations").splitlines()[0]
    assert first == (
        "::error file=models/fraud/model.yaml,line=4,title=fraud%3A beats-trivial,col=11::"
        "onnxruntime is not installed; it comes with the extra `onnx`%0Ahint: pip install 'mlci[onnx]'"
    )


@pytest.mark.parametrize("count", [1, 9, 10, 11, 500])
def test_the_runner_shows_every_annotation_that_is_printed(count: int) -> None:
    # it drops what is over ten of a kind, so the tenth counts the others
    lines = render(sample.report(sample.failing("x", results=count)), "annotations").splitlines()
    assert len(lines) == min(count, 10)
    if count > 9:
        assert lines[-1].endswith(f"::{count - 9} more error{'s' if count > 10 else ''}; see the report")


def test_a_long_message_is_cut_to_what_the_runner_takes() -> None:
    line = render(one("x" * 100_000), "annotations").splitlines()[0]
    assert len(line.rpartition("::")[2]) <= 4096


# JUnit -----------------------------------------------------------------------------------------------------------


@given(TEXT, st.sampled_from(list(Outcome)))
@example("]]><failure/>\ufffe\uffff", Outcome.FAILED)
@example("\x0c\x1b", Outcome.BROKEN)
def test_junit_is_xml_with_one_test_case_for_each_result(text: str, outcome: Outcome) -> None:
    root = ET.fromstring(render(one(text, outcome), "junit"))
    assert [element.tag for element in root] == ["testsuite"]
    assert len(root.findall(".//testcase")) == 1
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "properties",
        "property",
        "failure",
        "error",
        "skipped",
        "system-out",
    }


def test_the_counts_of_junit_agree_with_its_cases() -> None:
    root = ET.fromstring(render(sample.report(), "junit"))
    assert len(root) == 3
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))


def test_what_could_not_run_is_an_error_of_junit_and_no_pass() -> None:
    cases = ET.fromstring(render(sample.report(sample.fraud()), "junit"))[0].findall("testcase")
    said = {case.get("name"): [child.tag for child in case if child.tag != "properties"] for case in cases}
    assert said == {
        "rows-test": ["failure"],
        "columns-test": ["failure"],
        "drift-test": [],
        "fraud-auc": ["error"],
        "beats-trivial": ["error"],
    }


def test_junit_tells_place_and_hint_of_every_finding() -> None:
    case = ET.fromstring(render(sample.report(sample.fraud()), "junit"))[0].find("testcase[@name='beats-trivial']")
    assert case is not None
    assert (case.findtext("error") or "").splitlines() == [
        "models/fraud/model.yaml:4:11: error: onnxruntime is not installed; it comes with the extra `onnx`",
        "  hint: pip install 'mlci[onnx]'",
    ]


# Markdown --------------------------------------------------------------------------------------------------------


class _Seen(HTMLParser):
    """The elements of a page, and its text that is not in code."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.rows: list[int] = []
        self.bare = ""
        self.code = ""
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag + "".join(f" {name}" for name, _ in attrs if name != "style"))
        self._inside += tag == "code"
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "code"

    def handle_comment(self, data: str) -> None:
        self.elements.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.elements.append("declaration")

    def unknown_decl(self, data: str) -> None:
        self.elements.append("declaration")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.code += data
        else:
            self.bare += data


def seen(text: str) -> _Seen:
    page = _Seen()
    page.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    page.close()
    return page


@given(TEXT)
@example(sample.HOSTILE["html"])
@example(sample.HOSTILE["lines"])
@example(sample.HOSTILE["code span"])
@example("\\|`<b>`|@x")
def test_hostile_text_adds_no_element_to_the_markdown(text: str) -> None:
    harmless, hostile = seen(render(one("x"), "markdown")), seen(render(one(text or "x"), "markdown"))
    assert hostile.elements == harmless.elements
    assert hostile.rows == harmless.rows
    assert hostile.bare.split() == harmless.bare.split()


@pytest.mark.parametrize("name", sorted(sample.HOSTILE))
def test_hostile_text_stands_in_code_where_nobody_is_mentioned(name: str) -> None:
    page = seen(render(one(sample.HOSTILE[name]), "markdown"))
    assert "@" not in page.bare
    assert "evil" not in page.bare
    assert set(page.elements) <= {"h2", "p", "h3", "ul", "li", "strong", "code", "br", "details open", "summary",
        "table", "thead", "tbody", "tr", "th", "td", "sub"}  # fmt: skip


def test_every_row_of_a_markdown_table_has_the_cells_of_its_head() -> None:
    page = seen(render(sample.report(), "markdown"))
    assert set(page.rows) == {4}
    assert len(page.rows) == 3 + sum(len(model.results) for model in sample.report().models)


def test_the_markdown_of_500_failing_models_fits_a_comment_and_begins_with_the_failed() -> None:
    models = [sample.passing(f"a{number:03}") for number in range(500)]
    models += [sample.failing(f"z{number:03}", results=3) for number in range(500)]
    rendered = render(sample.report(*models), "markdown")
    assert len(rendered) < COMMENT_LIMIT
    shown = re.findall(r"<summary>(\S+ \w+)", rendered)
    assert shown[0] == "❌ failed"
    assert shown == sorted(shown, key=["❌ failed", "✅ passed"].index)
    assert "### What to look at" in rendered
    assert re.search(r"- and [\d,]+ more: see report.json", rendered)
    assert re.search(r"[\d,]+ sections left out", rendered)


def test_one_model_that_is_too_long_to_show_leaves_room_for_the_others() -> None:
    rendered = render(sample.report(sample.failing("huge", results=2000), sample.failing("small")), "markdown")
    assert len(rendered) < COMMENT_LIMIT
    assert "<code>small</code>" in rendered
    assert "1 section left out" in rendered


@given(st.integers(0, 300), st.integers(0, 30), st.text(st.sampled_from("x`|\\ü"), max_size=1000))
def test_markdown_never_outgrows_a_comment(models: int, results: int, text: str) -> None:
    report = sample.report(*(sample.failing(f"{text}{number}", results) for number in range(models)))
    assert len(render(report, "markdown")) <= markdown.MAX_CHARACTERS


def test_the_markdown_verdict_is_the_one_of_the_gate() -> None:
    report = sample.report(sample.churn())
    assert render(report, "markdown").startswith("## ✅ mlci: passed\n")
    assert render(report, "markdown", "warning").startswith("## ❌ mlci: refused\n")
    assert gate.decide(report, "warning").exit_code == 1


def test_a_model_that_passed_is_folded_and_one_that_failed_is_open() -> None:
    rendered = render(sample.report(sample.passing("good"), sample.failing("bad")), "markdown")
    assert rendered.index("<details open><summary>❌ failed") < rendered.index("<details><summary>✅ passed")


# JSON ------------------------------------------------------------------------------------------------------------


@given(TEXT)
def test_json_says_what_was_said_without_a_character_that_is_not_seen(text: str) -> None:
    data = json.loads(render(one(text), "json"))
    assert data["models"][0]["name"] == text
    assert data["models"][0]["results"][0]["findings"][0]["hint"] == text


def test_json_keeps_letters_of_every_script_readable() -> None:
    assert "Käufer 顧客" in render(one("Käufer 顧客"), "json")


def test_a_value_that_is_not_finite_is_null_in_json() -> None:
    data = json.loads(render(sample.report(sample.fraud()), "json"))
    assert data["models"][0]["results"][3]["measurements"][0]["value"] is None


# Rows, queries and histograms ------------------------------------------------------------------------------------


def with_rows(rows: Rows) -> Report:
    finding = Finding(Level.ERROR, "two rows", Location("m.yaml", 1, 1), query="select\n  1", rows=rows)
    result = Result(check="c", id="c", outcome=Outcome.FAILED, findings=(finding,))
    return sample.report(ModelReport(name="m", path="m.yaml", results=(result,)))


def test_the_terminal_shows_rows_and_the_query_that_finds_them() -> None:
    shown = render(with_rows(Rows(("id", "age"), (("7", "-1"), ("8", "")))), "terminal")
    assert "  row: id=7, age=-1\n  row: id=8, age=\n  query: select 1\n" in shown


def test_a_comment_shows_keys_and_never_values() -> None:
    keys, values = (render(with_rows(Rows(("id",), (("4711",),), held)), "markdown") for held in (False, True))
    assert "`id=4711`" in keys
    assert "4711" not in values
    assert "4711" in render(with_rows(Rows(("id",), (("4711",),), True)), "json")


def test_annotations_and_junit_show_no_rows() -> None:
    for name in ("annotations", "junit"):
        assert "4711" not in render(with_rows(Rows(("id",), (("4711",),))), name)


@pytest.mark.parametrize(
    ("histograms", "drawn"),
    [
        ((), ""),
        (((0.0, 0.0),), ""),
        (((0.5, 0.25, 0.25),), "█▅▅"),
        (((0.0, 0.001, 1.0), (0.5, 0.5, 0.0)), "·▁█ → ▅▅·"),
    ],
)
def test_a_histogram_is_drawn_with_one_bar_a_bin(histograms: tuple[tuple[float, ...], ...], drawn: str) -> None:
    assert words.bars(Measurement(name="psi", value=0.1, histograms=histograms)) == drawn


def many(broken: int, whole: int) -> Result:
    measurements = [sample.measured(f"m{n}", 1 if n < broken else 0, Limit("max", 0)) for n in range(broken + whole)]
    return Result(check="c", id="c", outcome=Outcome.FAILED, measurements=tuple(measurements))


@pytest.mark.parametrize(
    ("broken", "whole", "shown", "left"),
    [
        (0, 5, 5, ""),
        (2, 3, 5, ""),
        (0, 9, 3, "and 6 more within their limits"),
        (2, 20, 2, "and 20 more within their limits"),
        (10, 20, 5, "and 25 more"),
    ],
)
def test_of_many_measurements_those_outside_their_limits_are_shown(
    broken: int, whole: int, shown: int, left: str
) -> None:
    result = many(broken, whole)
    told = words.told(result)
    assert len(told) == shown
    assert words.left_out(result, told) == left
    for name in ("terminal", "markdown"):
        text = render(sample.report(ModelReport(name="m", path="m", results=(result,))), name)
        assert left in text
