"""The report itself, as JSON: what every other reporter, gate and comparison reads."""

from __future__ import annotations

import json

from mlci import escape
from mlci.gate import Decision
from mlci.results import Report


def render(report: Report, decision: Decision) -> str:
    return escape.json(json.dumps(report.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)) + "\n"
