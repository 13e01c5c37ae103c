"""The model card is there, and its sections say something.

What: A Markdown file has the named sections, each with words of its own: empty sections and the placeholders of
templates (`[More Information Needed]`, `TODO`, `{{ ... }}`) do not count. A heading fits a section when it holds its
words, or a usual name of the same thing.

Why: The card is what a reviewer, an auditor and the next owner read. A template that nobody filled in looks like a
card to every tool that only asks whether the file exists.

Example:
    checks:
      - card: {path: MODEL_CARD.md, sections: [Intended use, Data, Metrics, Limitations]}

Fix: Write the section, or take it off `sections:` in the pull request that says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlci import schema
from mlci.case import Case, error
from mlci.findings import Finding
from mlci.places import Location
from mlci.repo import CARD, refusal

GROUP = "files"
SCOPE = schema.MODEL
DEFAULT_SECTIONS = ("Intended use", "Data", "Metrics", "Limitations")
OPTIONS = schema.options(
    path=schema.PATH,
    sections={
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 200},
        "minItems": 1,
        "description": "a list of headings",
    },
)
MAX_BYTES = 1 << 20
FEWEST_WORDS = 3

# usual names of the same sections, among them those of the Hugging Face model card template
_ALSO = {
    "intended use": ("uses", "intended uses", "direct use", "use cases", "how to use"),
    "data": ("training data", "dataset", "datasets"),
    "metrics": ("evaluation", "results", "performance"),
    "limitations": ("bias", "risks", "caveats", "known issues"),
}
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}([=-])\1+[ \t]*$")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_PLACEHOLDER = re.compile(
    r"\[\s*more information needed\s*\]|\{\{.*?\}\}|\btodo\b:?|\btbd\b|\blorem ipsum\b|\bfill (this|me) in\b"
    r"|<[a-z _-]+here>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
# Chinese and Japanese write no spaces, so that each of their signs counts as a word
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w\w+")


def check(case: Case) -> Iterator[Finding]:
    written = case.options.get("path", CARD)
    path = case.model.path(written)
    entry = case.bench.repo.entry(path)
    if entry.kind != "file":
        problem = refusal(entry)
        yield error(problem.message, case.at("path"), f"write `{written}` with the sections {', '.join(_wanted(case))}")
        return
    text = case.bench.repo.read(path, MAX_BYTES).decode("utf-8", "replace")
    sections = list(_sections(text))
    for wanted in _wanted(case):
        fitting = [section for section in sections if _fits(section[0], wanted)]
        if not fitting:
            yield error(f"the card has no section `{wanted}`", Location(path), f"add a heading `## {wanted}`")
        elif all(_says_nothing(body) for _, _, body in fitting):
            title, line, _ = fitting[0]
            yield error(
                f"the section `{title}` says nothing yet",
                Location(path, line),
                "write it; placeholders of a template do not count",
            )


def _wanted(case: Case) -> tuple[str, ...]:
    return tuple(case.options.get("sections", DEFAULT_SECTIONS))


def _sections(text: str) -> Iterator[tuple[str, int, str]]:
    """(heading, line, body) of every section; a body holds the sections below its heading."""
    # comments are blanked, not cut, so that lines keep their numbers
    lines = _COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text).splitlines()
    headings: list[tuple[int, int, str]] = []
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark.group(1)
        elif not fence and (found := _HEADING.match(line)):
            headings.append((number, len(found.group(1)), found.group(2)))
        elif not fence and number and (found := _UNDERLINE.match(line)) and lines[number - 1].strip():
            headings.append((number - 1, 1 if found.group(1) == "=" else 2, lines[number - 1].strip()))
    for index, (number, depth, title) in enumerate(headings):
        end = next((later for later, other, _ in headings[index + 1 :] if other <= depth), len(lines))
        body = [line for line in lines[number + 1 : end] if not (_HEADING.match(line) or _UNDERLINE.match(line))]
        yield title, number + 1, "\n".join(body)


def _fits(title: str, wanted: str) -> bool:
    have = _words(title)
    names = (wanted.lower(), *_ALSO.get(wanted.lower(), ()))
    return any(re.search(rf"(?<!\w){re.escape(_words(name))}(?!\w)", have) for name in names)


def _words(title: str) -> str:
    # a heading such as `Q&A` holds no word, and is held against the whole
    return " ".join(_WORD.findall(title.lower())) or title.strip().lower()


def _says_nothing(body: str) -> bool:
    return len(_WORD.findall(_PLACEHOLDER.sub("", body))) < FEWEST_WORDS
