"""Every task of this repository. ``nox`` runs the default ones; ``nox --list`` shows all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
EVERYTHING = "-e.[data,onnx,sklearn]"


def group(name: str) -> list[str]:
    """The packages of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, on every core; a test that is skipped fails in CI."""
    session.install(EVERYTHING, *group("test"))
    env = {"MLCI_NO_SKIPS": "1"} if os.environ.get("CI") else {}
    session.run("pytest", "-n", "auto", "--dist", "loadgroup", *session.posargs, env=env)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests and show what they do not reach."""
    session.install(EVERYTHING, *group("test"))
    session.run("pytest", "-n", "auto", "--cov", "--cov-report=term-missing:skip-covered", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Look at style and form; change nothing."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def hooks(session: nox.Session) -> None:
    """Run the hooks of .pre-commit-config.yaml on every file."""
    session.install("prek", "uv")
    session.run("prek", "run", "--all-files", env={"PREK_HOME": str(Path(session.create_tmp()).absolute() / "prek")})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    session.install("-e.", *group("types"))
    session.run("mypy")


@nox.session
def generate(session: nox.Session) -> None:
    """Write what is generated: schemas, the hooks manifest, tables of the README. With ``-- --check``: only look."""
    session.install("-e.")
    session.run("python", "scripts/generate.py", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and try it in a fresh environment that has nothing else."""
    built = Path(session.create_tmp()) / "dist"
    shutil.rmtree(built, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(built))
    (found,) = built.glob("*.whl")
    fresh = built / "fresh"
    session.run("python", "-m", "venv", str(fresh))
    python = str(fresh / "bin" / "python")
    session.run(python, "-m", "pip", "install", "--quiet", str(found), external=True)
    mlci = str((fresh / "bin" / "mlci").absolute())
    session.run(mlci, "--version", external=True)
    session.run(mlci, "--help", external=True, silent=True)
    session.run(python, "scripts/try_core.py", mlci, external=True)


@nox.session
def demo(session: nox.Session) -> None:
    """Walk the road with a real model, in a new folder."""
    session.install(".[demo]")
    folder = Path(session.create_tmp()) / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("mlci", "demo", str(folder))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what benchmarks/README.md lists."""
    session.install(".[data,onnx,sklearn]")
    for script in session.posargs or sorted(str(path) for path in Path("benchmarks").glob("bench_*.py")):
        session.run("python", script)
