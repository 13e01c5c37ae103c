"""Every test has a clean home, environment and network, and a real git to make repositories with."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples in every run, so that no run fails for what another let pass; MLCI_FUZZ looks for new ones
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=10_000)
settings.load_profile("fuzz" if os.environ.get("MLCI_FUZZ") else "same")

KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "COVERAGE_PROCESS_START", "COVERAGE_FILE", "PYTHONDONTWRITEBYTECODE")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that is skipped in CI fails CI: nobody would see that it never runs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("MLCI_NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, no variable of the machine but those that find programs, and git's own defaults."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "HYPOTHESIS_", "COV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A Tester")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "tester@example.com")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "A Tester")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "tester@example.com")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of this process reaches beyond the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("127.0.0.1", "::1", "localhost", "local"):
            raise AssertionError(f"a test wanted to connect to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


Files = Mapping[str, "str | bytes"]


def write_files(root: Path, files: Files) -> None:
    """Write files by name and content below a folder."""
    for name, body in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.encode() if isinstance(body, str) else body)


def git(root: Path, *words: str) -> str:
    """Run the real git in a folder and return what it printed."""
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[[Files], Path]:
    """Makes a git repository with one commit of the files it is given."""

    def make(files: Files, name: str = "repo") -> Path:
        root = tmp_path / name
        root.mkdir()
        git(root, "init", "-q", "-b", "main")
        write_files(root, files)
        git(root, "add", "-A")
        git(root, "commit", "-q", "--allow-empty", "-m", "first")
        return root

    return make


@pytest.fixture
def mlci(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in this process -> (exit code, stdout, stderr)."""

    def call(*argv: str, cwd: Path | None = None) -> tuple[int, str, str]:
        from mlci.cli.main import main

        if cwd is not None:
            monkeypatch.chdir(cwd)
        capsys.readouterr()
        code = main(list(argv))
        out, err = capsys.readouterr()
        return code, out, err

    return call
