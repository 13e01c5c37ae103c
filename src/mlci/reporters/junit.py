"""JUnit XML: a test suite for each model, a test case for each check, measurements as properties."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mlci import escape
from mlci.findings import Level
from mlci.gate import Decision
from mlci.reporters import words
from mlci.results import ModelReport, Outcome, Report, Result


def render(report: Report, decision: Decision) -> str:
    root = ET.Element("testsuites", name="mlci", time=f"{report.seconds:.3f}")
    for model in report.models:
        root.append(_suite(model, report.started))
    ET.indent(root)
    # printed to the log of a workflow, it holds no command
    text = ET.tostring(root, encoding="unicode").replace("##[", "#&#35;[")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(model: ModelReport, started: str) -> ET.Element:
    def count(*kinds: Outcome) -> str:
        return str(sum(1 for result in model.results if result.outcome in kinds))

    suite = ET.Element(
        "testsuite",
        name=escape.xml(model.name),
        tests=str(len(model.results)),
        failures=count(Outcome.FAILED),
        errors=count(Outcome.BROKEN, Outcome.INCONCLUSIVE),
        skipped=count(Outcome.SKIPPED),
        timestamp=escape.xml(started.removesuffix("+00:00")),
        time=f"{sum(result.seconds for result in model.results):.3f}",
        hostname="mlci",
    )
    for result in model.results:
        suite.append(_case(model, result))
    return suite


def _case(model: ModelReport, result: Result) -> ET.Element:
    case = ET.Element(
        "testcase", classname=escape.xml(model.name), name=escape.xml(result.id), time=f"{result.seconds:.3f}"
    )
    if result.at:
        case.set("file", escape.xml(result.at.path))
        if result.at.line:
            case.set("line", str(result.at.line))
    if result.measurements:
        properties = ET.SubElement(case, "properties")
        for m in result.measurements:
            ET.SubElement(properties, "property", name=escape.xml(m.name), value=escape.xml(words.value(m)))
    text = "\n".join(
        line
        for f in result.findings
        for line in (
            escape.log(f"{f.at or model.path}: {f.level.value}: {f.message}"),
            *([escape.log(f"  hint: {f.hint}")] if f.hint else []),
        )
    )
    if result.outcome is Outcome.FAILED:
        first = next((finding.message for finding in result.findings if finding.level is Level.ERROR), "failed")
        ET.SubElement(case, "failure", message=escape.xml(first), type=escape.xml(result.check)).text = escape.xml(text)
    elif result.outcome in (Outcome.BROKEN, Outcome.INCONCLUSIVE):
        # neither a pass nor a verdict on the model: readers count an error apart from a failure
        ET.SubElement(case, "error", message=escape.xml(result.reason), type=result.outcome.value).text = escape.xml(
            text
        )
    elif result.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", message=escape.xml(result.reason))
    elif text:
        ET.SubElement(case, "system-out").text = escape.xml(text)
    return case
