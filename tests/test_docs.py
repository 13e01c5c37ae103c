"""What the documentation says is true: its manifests are valid, its commands and options exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from mlci import conformance, document, registry
from mlci.cli.main import COMMANDS, Commands, cli
from mlci.workspace import read_config, read_model

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "docs/data.md")


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


YAML = [(page, block) for page in PAGES for block in blocks(page, "yaml")]
SHELL = [
    (page, line.split("#")[0].strip())
    for page in PAGES
    for block in blocks(page, "bash")
    for line in block.splitlines()
]
MLCI = [(page, line) for page, line in SHELL if line.startswith("mlci ")]


def test_the_documentation_has_examples() -> None:
    assert len(YAML) >= 3
    assert len(MLCI) >= 3


@pytest.mark.parametrize(("page", "block"), YAML, ids=[f"{page}-{n}" for n, (page, _) in enumerate(YAML)])
def test_every_manifest_in_the_documentation_is_valid(page: str, block: str) -> None:
    if "name:" in block.split("\n", 2)[1]:
        model = read_model(document.read(block.encode(), "model.yaml"))
        assert model.checks or any(dataset.columns for dataset in model.datasets.values())
    elif "repos:" in block:
        hooks = [hook["id"] for repo in yaml.safe_load(block)["repos"] for hook in repo["hooks"]]
        manifest_ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        assert hooks == [hook["id"] for hook in manifest_]
    else:
        assert read_config(document.read(block.encode(), "mlci.yaml")).models


@pytest.mark.parametrize(("page", "line"), MLCI, ids=[line for _, line in MLCI])
def test_every_command_in_the_documentation_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    assert isinstance(cli, Commands)
    context = click.Context(cli)
    command = cli.get_command(context, words[0])
    assert command, f"{page}: {line}"
    if isinstance(command, click.Group):
        command = command.get_command(context, words[1])
        assert command, f"{page}: {line}"
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_of_a_command_parses(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command
    assert command.epilog
    lines = [line.split("   ")[0].strip() for line in command.epilog.splitlines() if line.strip().startswith("mlci ")]
    assert lines
    for line in lines:
        words = shlex.split(line.split(">")[0])
        assert words[:2] == ["mlci", name]
        parsed = command.make_context(name, words[2:], resilient_parsing=False, parent=click.Context(cli))
        assert parsed.params is not None


def test_the_readme_has_the_two_commands_that_ci_runs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for name in ("main", "tests"):
        assert text.count(f"<!-- command: {name} -->\n```bash\n") == 1
        assert f"readme {name}" in script


def test_the_two_commands_stand_on_the_first_screen() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    end = text.index("<!-- command: tests -->")
    assert text[:end].count("\n") < 50


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_every_exit_code_of_the_documentation_is_the_programs() -> None:
    from mlci.errors import ExitCode

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("<!-- generated: exit codes -->") :]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [code.value for code in ExitCode]


def test_the_demos_own_manifest_is_valid() -> None:
    raw = (ROOT / "src/mlci/demo/files/model.yaml").read_bytes()
    assert conformance.problems(document.read(raw, "model.yaml"), registry.packed("model")) == []
