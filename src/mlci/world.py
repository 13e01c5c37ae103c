"""The world outside: environment, clock, streams and programs. The only module that touches them.

What starts programs is imported where it is used: a hook that looks at one file starts none.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlci.errors import LimitReached, OutsideFailed

if TYPE_CHECKING:
    from selectors import BaseSelector

# What a program of the user's may see of the environment. No token is named like one of these.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "JAVA_HOME", "R_HOME")
MAX_OUTPUT = 256 << 20


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that has ended; ``status`` is negative when a signal ended it."""

    status: int
    stdout: bytes
    stderr: bytes


class World:
    """The outside as one object, handed to whoever needs it."""

    def __init__(self, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
        self.cwd = (cwd or Path.cwd()).resolve()
        self.env = dict(os.environ if env is None else env)
        self._children: set[Child] = set()
        self._stopped = False

    @property
    def in_ci(self) -> bool:
        return self.env.get("CI", "").lower() not in ("", "0", "false")

    @property
    def cores(self) -> int:
        """The processors that this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back."""
        return time.monotonic()

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        timeout_s: float = 60.0,
    ) -> Completed:
        """Run a program to its end.

        Raises OutsideFailed if it cannot be started, LimitReached if it takes longer than ``timeout_s``.
        """
        import subprocess

        try:
            done = subprocess.run(
                argv,
                cwd=cwd or self.cwd,
                env=self.env if env is None else dict(env),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LimitReached(f"`{argv[0]}` was still running after {timeout_s:g} s") from None
        except OSError as error:
            hint = f"install {argv[0]}" if isinstance(error, FileNotFoundError) else ""
            raise OutsideFailed(f"`{argv[0]}` cannot be started: {error.strerror}", hint=hint) from None
        return Completed(done.returncode, done.stdout, done.stderr)

    def has_program(self, name: str) -> bool:
        """Whether a program of this name is found by its name alone."""
        import shutil

        return shutil.which(name, path=self.env.get("PATH")) is not None

    def require_program(self, name: str, *, hint: str) -> None:
        """Raise OutsideFailed unless a program of this name is installed."""
        if not self.has_program(name):
            raise OutsideFailed(f"`{name}` is not installed", hint=hint)

    def spawn(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Child:
        """Start a program that is talked to line by line. Raises OutsideFailed if it cannot be started."""
        child = Child(argv, cwd=cwd, env=env, ended=self._children.discard)
        self._children.add(child)
        if self._stopped:  # the end came while it was being started
            child.kill()
        return child

    def kill_children(self) -> None:
        """End every program that ``spawn`` started and that still runs, with its process group; so end later ones."""
        self._stopped = True
        for child in list(self._children):
            child.kill()

    def child_env(self, home: Path) -> dict[str, str]:
        """The environment for a program of the user's: an allow-list, with a home of its own."""
        kept = {name: self.env[name] for name in PASSED_ON if name in self.env}
        return {**kept, "HOME": str(home), "TMPDIR": str(home), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}


class Child:
    """A running program in a session of its own; requests go in and replies come out as single lines."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], ended: Callable[[Child], None] = lambda _: None
    ) -> None:
        """``ended`` is called once, when the program has been closed."""
        import subprocess
        import tempfile

        # a file, not a pipe: a child that writes much to stderr must not block
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the child
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise OutsideFailed(f"`{argv[0]}` cannot be started: {error.strerror}") from None
        self._buffer = bytearray()
        self._ended = ended

    def ask(self, line: bytes, *, timeout_s: float) -> bytes | None:
        """Send one line and wait for one line; None when the program ended instead.

        Raises LimitReached, with the program killed, when no line comes within ``timeout_s`` seconds or when the
        line is longer than 256 MiB.
        """
        import selectors

        assert self._process.stdout
        deadline = time.monotonic() + timeout_s
        try:
            self._send(line + b"\n", deadline, timeout_s)
        except (BrokenPipeError, ConnectionResetError):
            self._hung_up()
            return None
        descriptor = self._process.stdout.fileno()
        scanned = 0
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while (end := self._buffer.find(b"\n", scanned)) < 0:
                scanned = len(self._buffer)
                if scanned > MAX_OUTPUT:
                    self.kill()
                    raise LimitReached(f"a reply is longer than {MAX_OUTPUT:,} bytes")
                self._wait(selector, deadline, timeout_s)
                chunk = os.read(descriptor, 1 << 20)
                if not chunk:
                    self._hung_up()
                    return None
                self._buffer += chunk
        reply = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return reply

    def _send(self, data: bytes, deadline: float, timeout_s: float) -> None:
        import selectors

        assert self._process.stdin
        descriptor = self._process.stdin.fileno()
        # a program that does not read must not hold us up for longer than one that does not answer
        os.set_blocking(descriptor, False)
        left = memoryview(data)
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_WRITE)
            while left:
                self._wait(selector, deadline, timeout_s)
                left = left[os.write(descriptor, left) :]

    def _wait(self, selector: BaseSelector, deadline: float, timeout_s: float) -> None:
        if not selector.select(max(0.0, deadline - time.monotonic())):
            self.kill()
            raise LimitReached(f"no answer after {timeout_s:g} s")

    def _hung_up(self) -> None:
        """Wait for the end of a program that closed its pipes; one that only closed them is ended."""
        import subprocess

        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def said(self, limit: int = 2000) -> str:
        """The end of what the program wrote to stderr, at most ``limit`` bytes of it."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - limit))
        return self._stderr.read().decode("utf-8", "replace").strip()

    def kill(self) -> None:
        """End the program and all of its process group."""
        import signal

        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended, and so has its group
        self._process.wait()

    def close(self) -> None:
        """Let the program end by itself, for two seconds; then end it."""
        import subprocess

        if self._process.stdin and not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass  # it has ended already
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            pass  # the kill below ends it
        self.kill()
        self._ended(self)
        if self._process.stdout:
            self._process.stdout.close()
        self._stderr.close()


def this_python() -> str:
    """The interpreter that runs mlci."""
    return sys.executable
