from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlci.errors import LimitReached, OutsideFailed
from mlci.testing import FakeWorld
from mlci.world import MAX_OUTPUT, PASSED_ON, Child, World, this_python

Spawn = Callable[[str], Child]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def spawn(world: World, tmp_path: Path) -> Iterator[Spawn]:
    """Starts Python code that is talked to line by line."""
    children = []

    def start(code: str) -> Child:
        child = world.spawn([sys.executable, "-I", "-c", code], cwd=tmp_path, env=world.child_env(tmp_path))
        children.append(child)
        return child

    yield start
    for child in children:
        child.close()


class Relative:
    """A process that a program starts; it holds a named pipe open, which tells that it lives and when it dies."""

    def __init__(self, pipe: Path, then: str) -> None:
        os.mkfifo(pipe)
        self._reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        inner = f"import time; pipe = open({str(pipe)!r}, 'wb', 0); pipe.write(b'!'); time.sleep(600)"
        self.code = (
            f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {inner!r}]); input(); {then}"
        )

    def _heard(self) -> bytes:
        ready = select.select([self._reader], [], [], 60)[0]
        return os.read(self._reader, 1) if ready else b"nothing"

    def lives(self) -> bool:
        return self._heard() == b"!"

    def died(self) -> bool:
        return self._heard() == b""

    def close(self) -> None:
        os.close(self._reader)


@pytest.fixture
def relative(tmp_path: Path) -> Iterator[Callable[[str], Relative]]:
    made = []

    def make(then: str) -> Relative:
        made.append(Relative(tmp_path / "pipe", then))
        return made[-1]

    yield make
    for one in made:
        one.close()


# The world itself ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "in_ci"), [("true", True), ("1", True), ("", False), ("false", False), ("0", False)])
def test_ci_is_where_the_variable_says_so(tmp_path: Path, value: str, in_ci: bool) -> None:
    assert World(tmp_path, {"CI": value}).in_ci is in_ci


def test_without_the_variable_it_is_no_ci(tmp_path: Path) -> None:
    assert not World(tmp_path, {}).in_ci


def test_the_environment_is_a_copy_and_can_be_given(tmp_path: Path) -> None:
    given = {"A": "1"}
    world = World(tmp_path, given)
    given["A"] = "2"
    assert world.env == {"A": "1"}
    assert World(tmp_path).env == dict(os.environ)


def test_the_current_folder_is_known_without_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert World(tmp_path / "link").cwd == (tmp_path / "real").resolve()


def test_the_time_is_of_today_and_in_utc(world: World) -> None:
    now = world.now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=5)


def test_the_seconds_never_go_back(world: World) -> None:
    seconds = [world.monotonic() for _ in range(100)]
    assert seconds == sorted(seconds)


def test_there_is_a_core_to_work_on(world: World) -> None:
    assert 1 <= world.cores <= (os.cpu_count() or 1)


def test_the_clock_of_a_fake_world_moves_when_it_is_told(tmp_path: Path) -> None:
    world = FakeWorld(tmp_path)
    before = world.monotonic()
    world.advance(2.5)
    assert (world.monotonic() - before, world.env) == (2.5, {})


# Programs that are run to their end ---------------------------------------------------------------------------------


def test_a_program_is_run_and_its_output_kept_apart(world: World) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = world.run([sys.executable, "-c", code])
    assert (done.status, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_a_program_that_a_signal_ended_has_a_negative_status(world: World) -> None:
    assert world.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]).status == -9


def test_a_program_reads_what_it_is_given(world: World) -> None:
    assert world.run(["cat"], stdin=b"\0given\n").stdout == b"\0given\n"


def test_a_program_that_is_given_nothing_does_not_wait_for_the_terminal(world: World) -> None:
    assert world.run(["cat"]).stdout == b""


def test_a_program_runs_in_the_folder_of_the_world_or_in_another(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert world.run(["pwd"]).stdout.decode().strip() == str(tmp_path)
    assert world.run(["pwd"], cwd=tmp_path / "other").stdout.decode().strip() == str(tmp_path / "other")


def test_a_program_sees_the_environment_it_is_given_and_no_other(world: World) -> None:
    assert world.run(["/usr/bin/env"], env={"A": "1"}).stdout == b"A=1\n"


def test_no_shell_reads_the_words(world: World, tmp_path: Path) -> None:
    assert world.run(["echo", "$HOME; touch x", "*"]).stdout == b"$HOME; touch x *\n"
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_takes_too_long_is_ended(world: World) -> None:
    with pytest.raises(LimitReached, match=r"`sleep` was still running after 0.05 s"):
        world.run(["sleep", "600"], timeout_s=0.05)


@pytest.mark.parametrize("name", ["no-such-program", "/etc/hostname", "/"])
def test_a_program_that_cannot_be_started_is_told(world: World, name: str) -> None:
    with pytest.raises(OutsideFailed, match=f"`{name}` cannot be started: "):
        world.run([name])


def test_a_program_is_looked_for_where_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    world = World(tmp_path, {"PATH": str(tmp_path)})
    assert not world.has_program("tool")
    (tmp_path / "tool").chmod(0o755)
    assert world.has_program("tool")


def test_a_program_that_is_required_and_not_there_comes_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match="`tool` is not installed") as caught:
        World(tmp_path, {"PATH": str(tmp_path)}).require_program("tool", hint="apt install tool")
    assert caught.value.hint == "apt install tool"


def test_a_program_that_is_required_and_there_is_no_trouble(world: World) -> None:
    world.require_program("sh", hint="")


# What a program of the user's may see -------------------------------------------------------------------------------

NAMES = (
    "GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AWS_SECRET_ACCESS_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "HF_TOKEN", "WANDB_API_KEY", "DATABASE_URL",
    "SSH_AUTH_SOCK", "DOCKER_HOST", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "PYTHONPATH", "LD_PRELOAD",
    "PYTHONSTARTUP", "http_proxy", "NETRC", "KUBECONFIG",
)  # fmt: skip
SECRETS = dict.fromkeys(NAMES, "s3cr3t")


def test_the_environment_of_a_model_is_an_allow_list(tmp_path: Path) -> None:
    world = World(
        tmp_path, {**SECRETS, "PATH": "/bin", "LANG": "C.UTF-8", "HOME": "/home/user", "TMPDIR": "/elsewhere"}
    )
    assert world.child_env(tmp_path / "home") == {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "home"),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
    }


def test_no_name_on_the_allow_list_is_that_of_a_secret() -> None:
    assert SECRETS.keys().isdisjoint(PASSED_ON)
    assert not [name for name in PASSED_ON for word in ("TOKEN", "SECRET", "KEY", "PASS", "CRED") if word in name]


def test_a_program_that_is_talked_to_finds_no_secret(tmp_path: Path) -> None:
    world = World(tmp_path, {**os.environ, **SECRETS})
    code = "import os; input(); print(sorted(os.environ.values()))"
    child = world.spawn([sys.executable, "-I", "-c", code], cwd=tmp_path, env=world.child_env(tmp_path))
    reply = child.ask(b"", timeout_s=60)
    child.close()
    assert reply
    assert b"s3cr3t" not in reply


def test_the_interpreter_is_the_one_that_runs_this() -> None:
    assert this_python() == sys.executable


# Programs that are talked to ----------------------------------------------------------------------------------------

ECHO = "import sys\nfor line in sys.stdin: print(line.rstrip()[::-1], flush=True)"


def test_every_line_gets_its_reply(spawn: Spawn) -> None:
    child = spawn(ECHO)
    assert [child.ask(word, timeout_s=60) for word in (b"abc", b"", b"xyz")] == [b"cba", b"", b"zyx"]


def test_a_reply_that_comes_in_pieces_is_put_together(spawn: Spawn) -> None:
    child = spawn(
        "import sys; input(); w = sys.stdout.write; f = sys.stdout.flush\nfor c in 'abc\\n': w(c); f()\ninput()"
    )
    assert child.ask(b"", timeout_s=60) == b"abc"


def test_replies_that_come_together_are_taken_one_by_one(spawn: Spawn) -> None:
    child = spawn("input(); print('one\\ntwo\\nthree', flush=True); input(); input()")
    assert [child.ask(b"", timeout_s=60) for _ in range(3)] == [b"one", b"two", b"three"]


def test_a_large_question_and_a_large_reply_get_through(spawn: Spawn) -> None:
    child = spawn("import sys; line = sys.stdin.buffer.readline(); sys.stdout.buffer.write(line.upper()); input()")
    assert child.ask(b"x" * 5_000_000, timeout_s=60) == b"X" * 5_000_000


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 0),
        ("raise SystemExit(7)", 7),
        ("import os; input(); os.kill(os.getpid(), 9)", -9),
        ("input(); print('half a reply', end='', flush=True)", 0),
    ],
    ids=["at once", "with a status", "by a signal", "within its reply"],
)
def test_a_program_that_ends_gives_no_reply(spawn: Spawn, code: str, status: int) -> None:
    child = spawn(code)
    assert child.ask(b"", timeout_s=60) is None
    assert child.status == status


def test_a_program_that_has_ended_gives_no_reply_to_a_second_question_either(spawn: Spawn) -> None:
    child = spawn("")
    assert [child.ask(b"x" * 1_000_000, timeout_s=60) for _ in range(2)] == [None, None]


def test_a_program_that_closes_its_pipes_and_stays_is_ended(spawn: Spawn) -> None:
    child = spawn("import os, time; os.close(0); os.close(1); time.sleep(600)")
    assert child.ask(b"", timeout_s=60) is None
    assert child.status == -9


def test_a_program_that_does_not_answer_is_ended(spawn: Spawn) -> None:
    child = spawn("import time; time.sleep(600)")
    with pytest.raises(LimitReached, match=r"no answer after 0.1 s"):
        child.ask(b"", timeout_s=0.1)
    assert child.status == -9


def test_a_program_that_does_not_even_listen_is_ended(spawn: Spawn) -> None:
    child = spawn("import time; time.sleep(600)")
    with pytest.raises(LimitReached, match=r"no answer after 0.1 s"):
        child.ask(b"x" * 10_000_000, timeout_s=0.1)
    assert child.status == -9


def test_a_program_that_talks_without_end_is_ended_by_the_clock(spawn: Spawn) -> None:
    child = spawn("while True: print('x' * 50, end='', flush=True)")
    with pytest.raises(LimitReached, match=r"no answer after|a reply is longer than"):
        child.ask(b"", timeout_s=0.2)
    assert child.status == -9


def test_a_reply_without_an_end_is_refused(spawn: Spawn) -> None:
    child = spawn("import sys\nwhile True: sys.stdout.buffer.write(bytes(1 << 22))")
    with pytest.raises(LimitReached, match=f"a reply is longer than {MAX_OUTPUT:,} bytes"):
        child.ask(b"", timeout_s=300)
    assert child.status == -9


def test_a_time_out_ends_the_children_of_the_program_too(spawn: Spawn, relative: Callable[[str], Relative]) -> None:
    grandchild = relative("time.sleep(600)")
    child = spawn(grandchild.code)
    assert grandchild.lives()
    with pytest.raises(LimitReached):
        child.ask(b"", timeout_s=0.1)
    assert grandchild.died()


def test_closing_ends_what_the_program_left_behind(spawn: Spawn, relative: Callable[[str], Relative]) -> None:
    grandchild = relative("sys.exit()")
    child = spawn(grandchild.code)
    assert grandchild.lives()
    child.close()
    assert grandchild.died()


def test_the_program_has_a_session_of_its_own(spawn: Spawn) -> None:
    child = spawn("import os; input(); print(os.getsid(0) == os.getpid(), flush=True); input()")
    assert child.ask(b"", timeout_s=60) == b"True"


def test_a_program_that_listens_ends_by_itself_when_it_is_closed(world: World, tmp_path: Path) -> None:
    child = world.spawn(["sh", "-c", "read x; echo yes; read x; exit 5"], cwd=tmp_path, env={})
    assert child.ask(b"", timeout_s=60) == b"yes"
    child.close()
    assert child.status == 5


def test_closing_twice_is_no_error(spawn: Spawn) -> None:
    child = spawn(ECHO)
    child.kill()
    child.close()
    child.close()
    assert child.status == -9


def test_the_end_of_what_it_complained_is_kept(spawn: Spawn) -> None:
    child = spawn("import sys; sys.stderr.write('x' * 3_000_000 + 'the last wörds\\n'); sys.stderr.flush(); input()")
    child.ask(b"", timeout_s=60)
    assert child.said().endswith("the last wörds")
    assert child.said(20) == "xxxx" + "the last wörds"
    assert len(child.said()) < 2000


def test_a_complaint_that_is_no_text_is_shown_as_far_as_it_goes(spawn: Spawn) -> None:
    child = spawn("import sys; sys.stderr.buffer.write(b'\\xff bad\\n')")
    child.ask(b"", timeout_s=60)
    assert child.said() == "\ufffd bad"


def test_a_program_that_said_nothing_said_nothing(spawn: Spawn) -> None:
    child = spawn(ECHO)
    child.ask(b"a", timeout_s=60)
    assert child.said() == ""


def test_a_worker_that_cannot_be_started_is_told(world: World, tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match=r"`.venv/bin/python` cannot be started: No such file or directory"):
        world.spawn([".venv/bin/python"], cwd=tmp_path, env={})


def test_every_program_that_still_runs_can_be_ended_at_once(world: World, spawn: Spawn) -> None:
    children = [spawn(ECHO) for _ in range(3)]
    assert [child.ask(b"a", timeout_s=60) for child in children] == [b"a"] * 3
    children[0].close()
    world.kill_children()
    assert [child.status for child in children[1:]] == [-9, -9]
