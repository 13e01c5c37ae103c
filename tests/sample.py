"""One sample report for all reporters: three models, every outcome, warnings, two-level limits, hostile text."""

from __future__ import annotations

from mlci.findings import Finding, Level, Rows
from mlci.places import Location
from mlci.results import Input, Limit, Measurement, ModelReport, Outcome, Report, Result

HOSTILE = {
    "markdown": "**bold** _it_ # head [link](https://evil.example) ![img](https://evil.example/x.png) ~~s~~",
    "table": "a | b || c \\| d \\\\| e |",
    "code span": "`one` ``two`` ``` `",
    "backslash": "ends in a backslash \\",
    "mention": "@everyone @acme/ml #1 GH-2",
    "html": "<img src=x onerror=alert(1)></details></summary><!-- <script>alert(1)</script> &amp; &#64;me",
    "xml": "]]><failure/> <![CDATA[ &lt; ' \" \ufffe\uffff",
    "command": "::error::owned",
    "indented command": "  ::set-output name=x::owned",
    "log command": "##[error]owned ##[add-mask]x",
    "lines": "one\ntwo\r\nthree\rfour\u2028five\n::warning::owned\n# head\n- item\n\n| x | y |\n| - | - |\n```\nfence",
    "percent": "%0A::error::owned%0D %25",
    "property": "x,line=1::y",
    "ansi": "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J \x9b1m",
    "bidi": "abc\u202egnp.exe\u2066\u200b\ufeff",
    "nul": "nul \x00 del \x7f tag \U000e0041",
    "surrogate": "not utf-8 \udcff",
}
"""Text of somebody who wants to be more than text, by what it tries."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "5e" * 32
GOOD, BAD, EVIL = "models/churn/model.yaml", "models/fraud/model.yaml", "models/evil/model.yaml"


def measured(name: str, value: float, *limits: Limit, unit: str = "", n: int | None = None) -> Measurement:
    return Measurement(name=name, value=value, unit=unit, limits=limits, n=n)


def churn() -> ModelReport:
    """All passed, one with a warning of a limit on two levels, one skipped with a reason."""
    at = Location(GOOD, 14, 21)
    soft = Limit("min", 0.92, Level.WARNING, at)
    hard = Limit("min", 0.9, Level.ERROR, Location(GOOD, 14, 36))
    return ModelReport(
        name="churn",
        path=GOOD,
        bundle=DIGEST,
        inputs=(
            Input("artifact", "models/churn/churn.onnx", "ab" * 32, 54_321),
            Input("data", "models/churn/test.parquet", "cd" * 32, 1_234_567),
        ),
        results=(
            Result(
                check="artifact",
                id="artifact",
                outcome=Outcome.PASSED,
                measurements=(measured("artifact size", 54_321, Limit("max", 50 << 20), unit="bytes"),),
                seconds=0.002,
            ),
            Result(
                check="metric",
                id="metric",
                outcome=Outcome.PASSED,
                findings=(Finding(Level.WARNING, "roc_auc is 0.9123 (n = 5,000), below its minimum 0.92", at),),
                measurements=(measured("roc_auc", 0.91234, soft, hard, n=5_000),),
                seconds=1.5,
                at=Location(GOOD, 14, 5),
            ),
            Result(
                check="card",
                id="card",
                outcome=Outcome.SKIPPED,
                reason="it was not asked of this model",
            ),
        ),
    )


def fraud() -> ModelReport:
    """Failed, inconclusive and broken, with hints, a note, a value that is not finite and an input that is away."""
    at = Location(BAD, 9, 16)
    return ModelReport(
        name="fraud",
        path=BAD,
        bundle=None,
        inputs=(Input("data", "models/fraud/test.csv", None, 131, "lfs-pointer"),),
        results=(
            Result(
                check="rows",
                id="rows-test",
                outcome=Outcome.FAILED,
                findings=(
                    Finding(Level.ERROR, "rows is 12, below its minimum 1,000", at),
                    Finding(Level.NOTE, "the file is older than the model", Location(BAD, 6, 11)),
                ),
                measurements=(measured("rows", 12, Limit("min", 1_000, at=at), unit="rows"),),
                seconds=0.25,
                at=Location(BAD, 9, 9),
            ),
            Result(
                check="columns",
                id="columns-test",
                outcome=Outcome.FAILED,
                findings=(
                    Finding(
                        Level.ERROR,
                        "age outside [18, 100] in 2 of 1,000 rows, above its maximum 0",
                        Location(BAD, 7, 20),
                        query='select * from \'test.csv\' where\n("age" < 18 or "age" > 100)',
                        rows=Rows(("id", "age"), (("7", "-1"), ("81", "200"))),
                    ),
                ),
                measurements=(
                    measured("age outside [18, 100]", 2, Limit("max", 0), unit="rows", n=1_000),
                    *(measured(f"c{number} missing", 0, Limit("max", 0), unit="rows", n=1_000) for number in range(9)),
                ),
                seconds=0.1,
            ),
            Result(
                check="drift",
                id="drift-test",
                outcome=Outcome.PASSED,
                measurements=(
                    Measurement(
                        name="psi of age",
                        value=0.0512,
                        limits=(Limit("max", 0.1, Level.WARNING), Limit("max", 0.25)),
                        n=1_000,
                        histograms=((0.1, 0.2, 0.4, 0.2, 0.1), (0.05, 0.15, 0.4, 0.25, 0.15)),
                    ),
                ),
                seconds=0.1,
            ),
            Result(
                check="metric",
                id="fraud-auc",
                outcome=Outcome.INCONCLUSIVE,
                reason="roc_auc needs two classes, and the 12 rows hold one",
                measurements=(measured("roc_auc", float("nan"), Limit("min", 0.8), n=12),),
                seconds=0.5,
                at=Location(BAD, 12, 5),
            ),
            Result(
                check="beats-trivial",
                id="beats-trivial",
                outcome=Outcome.BROKEN,
                reason="onnxruntime is not installed; it comes with the extra `onnx`",
                cause="missing-extra",
                required=True,
                findings=(
                    Finding(
                        Level.ERROR,
                        "onnxruntime is not installed; it comes with the extra `onnx`",
                        Location(BAD, 4, 11),
                        "pip install 'mlci[onnx]'",
                    ),
                ),
            ),
        ),
    )


def evil() -> ModelReport:
    """A model whose every text is hostile, as a report of a stranger's pull request can have it."""

    def result(name: str, outcome: Outcome, level: Level = Level.ERROR) -> Result:
        text = HOSTILE[name]
        return Result(
            check=text,
            id=text,
            outcome=outcome,
            reason=text if outcome in (Outcome.BROKEN, Outcome.SKIPPED) else "",
            findings=(Finding(level, text, Location(f"{EVIL}/{text}", 1), text),),
            measurements=(measured(text, 1, Limit("max", 0.5), unit=text),),
            at=Location(text, 1),
        )

    return ModelReport(
        name="::error::|`@evil`<b>",
        path=EVIL,
        results=(
            result("table", Outcome.FAILED),
            result("code span", Outcome.FAILED),
            result("html", Outcome.FAILED),
            result("surrogate", Outcome.FAILED),
            result("lines", Outcome.BROKEN),
            result("ansi", Outcome.BROKEN),
            result("log command", Outcome.SKIPPED),
            result("percent", Outcome.PASSED, Level.WARNING),
            result("mention", Outcome.PASSED, Level.NOTE),
        ),
    )


def report(*models: ModelReport) -> Report:
    """The sample, or the same run over other models."""
    return Report(
        tool="mlci 0.0.1",
        started="2024-02-29T12:34:56+00:00",
        seconds=2.34,
        commit=COMMIT,
        dirty=True,
        models=models or (churn(), evil(), fraud()),
    )


def failing(name: str, results: int = 1) -> ModelReport:
    """A model that fails every one of its checks."""
    path = f"models/{name}/model.yaml"
    return ModelReport(
        name=name,
        path=path,
        bundle=DIGEST,
        results=tuple(
            Result(
                check="metric",
                id=f"metric-{number}",
                outcome=Outcome.FAILED,
                findings=(
                    Finding(Level.ERROR, "accuracy is 0.5 (n = 100), below its minimum 0.9", Location(path, number, 5)),
                ),
                measurements=(measured("accuracy", 0.5, Limit("min", 0.9), n=100),),
            )
            for number in range(1, results + 1)
        ),
    )


def passing(name: str) -> ModelReport:
    result = Result(check="artifact", id="artifact", outcome=Outcome.PASSED)
    return ModelReport(name=name, path=f"models/{name}/model.yaml", bundle=DIGEST, results=(result,))
