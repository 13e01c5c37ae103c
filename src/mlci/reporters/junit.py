"""JUnit XML: a test suite for each model, a test case for each check, measurements as properties."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mlci import escape
from mlci.gate import Decision
from mlci.reporters import words
from mlci.results import Level, ModelReport, Outcome, Report, Result


def render(report: Report, decision: Decision) -> str:
    root = ET.Element("testsuites", name="mlci", time=f"{report.seconds:.3f}")
    for model in report.models:
        root.append(_suite(model, report.started))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


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
        timestamp=started.removesuffix("+00:00"),
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
        f"{f.at or model.path}: {f.level.value}: {f.message}" + (f"\n  hint: {f.hint}" if f.hint else "")
        for f in result.findings
    )
    if result.outcome is Outcome.FAILED:
        first = next(finding for finding in result.findings if finding.level is Level.ERROR)
        ET.SubElement(case, "failure", message=escape.xml(first.message), type=result.check).text = escape.xml(text)
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
