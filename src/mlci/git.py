"""git, asked through one narrow wrapper: plumbing commands, no hooks, no helpers that the repository configures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mlci.errors import OutsideFailed, UsageError
from mlci.escape import line
from mlci.world import World

# what may be asked for as a revision: a name as git-check-ref-format allows it, then steps back from it; a leading
# dash would be an option, `..` a range, `:` a file of a commit, `@{` a place in the reflog
_REVISION = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\{]+([~^][0-9]{0,6}){0,20}")

# command scope: it wins over whatever the repository's own configuration says
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "diff.external": "",
    "protocol.allow": "never",
}


_DIFF = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
_STOCK = {
    ("filter.lfs.clean", "git-lfs clean -- %f"),
    ("filter.lfs.smudge", "git-lfs smudge -- %f"),
    ("filter.lfs.process", "git-lfs filter-process"),
    ("filter.lfs.required", "true"),
}


class Git:
    """One repository. Every method raises OutsideFailed when git itself fails."""

    def __init__(self, root: Path, world: World) -> None:
        self.root = root
        self.world = world
        kept = {name: value for name, value in world.env.items() if not name.startswith("GIT_")}
        self.env = {
            **kept,
            **_settings(_CONFIG),
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        self._filters_gone = False

    def _without_filters(self) -> None:
        """Take away the filters of the repository's own configuration: each is a program of its choice.

        Those of the user and of the machine stay: without Git LFS, whatever it fetched would look changed.
        """
        if self._filters_gone:
            return
        _, out, _ = self._ask("config", "--show-scope", "--null", "--name-only", "--get-regexp", r"^filter\.")
        fields = [_text(field) for field in out.split(b"\0")]
        own = [key for scope, key in zip(fields[::2], fields[1::2], strict=False) if scope in ("local", "worktree")]
        own = [key for key in own if not self._is_stock(key)]
        self.env |= _settings(_CONFIG | {key: "false" if key.endswith(".required") else "" for key in own})
        self._filters_gone = True

    def _is_stock(self, key: str) -> bool:
        """Whether a setting is what `git lfs install --local` writes: a workflow that checks out with LFS has it."""
        _, out, _ = self._ask("config", "--local", "--get", key)
        return (key, _text(out).strip()) in _STOCK

    def _ask(self, *words: str, stdin: bytes | None = None) -> tuple[int, bytes, str]:
        done = self.world.run(["git", "--no-pager", *words], cwd=self.root, env=self.env, stdin=stdin, timeout_s=120)
        return done.status, done.stdout, done.stderr.decode("utf-8", "replace").strip()

    def _must(self, *words: str, stdin: bytes | None = None) -> bytes:
        status, out, said = self._ask(*words, stdin=stdin)
        if status:
            hint = ""
            if "dubious ownership" in said:
                hint = f"git config --global --add safe.directory '{self.root}'"
            raise OutsideFailed(
                f"git {words[0]} failed: {line(said.splitlines()[0] if said else str(status))}", hint=hint
            )
        return out

    def commit(self, revision: str) -> str:
        """The full id of the commit that ``revision`` names. Raises UsageError if it names none."""
        if not _REVISION.fullmatch(revision) or ".." in revision:
            raise UsageError(f"`{line(revision)}` is not the name of a commit, branch or tag")
        status, out, _ = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if status:
            hint = "in a workflow, check out with `fetch-depth: 0`" if self.is_shallow() else "see `git branch --all`"
            raise UsageError(f"`{line(revision)}` is not a commit of this repository", hint=hint)
        return out.decode().strip()

    def head(self) -> str | None:
        """The id of the commit that is checked out; None before the first."""
        status, out, _ = self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return None if status else out.decode().strip()

    def is_shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository")[1].strip() == b"true"

    def uncommitted(self) -> set[str]:
        """Paths whose content in the work tree is not what HEAD holds, untracked and ignored ones included.

        A folder that is ignored whole is one path, with a slash at its end.
        """
        self._without_filters()
        out = self._must(
            "status", "--porcelain", "-z", "--untracked-files=all", "--ignored=traditional", "--no-renames"
        )
        return {_text(record[3:]) for record in out.split(b"\0") if record}

    def merge_base(self, revision: str, head: str = "HEAD") -> str:
        """The commit from which ``head`` and ``revision`` parted. Raises UsageError if they share none."""
        commit = self.commit(revision)
        status, out, _ = self._ask("merge-base", commit, head)
        if status:
            hint = "in a workflow, check out with `fetch-depth: 0`" if self.is_shallow() else ""
            raise UsageError(f"{line(head)} and `{line(revision)}` have no commit in common", hint=hint)
        return out.decode().strip()

    def changed_since(self, base: str, until: str | None = None) -> list[str]:
        """Paths that differ between the commit ``base`` and the commit ``until``, deleted ones included.

        Without ``until``, between ``base`` and the work tree, untracked files included.
        """
        if until is not None:
            out = self._must(
                "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", base, until, "--"
            )
            return sorted({_text(path) for path in out.split(b"\0") if path})
        self._without_filters()
        tracked = self._must(*_DIFF, base, "--")
        untracked = self._must("ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/")
        return sorted({_text(path) for path in (*tracked.split(b"\0"), *untracked.split(b"\0")) if path})

    def tree(self, commit: str) -> dict[str, tuple[str, str, int]]:
        """Every path of a commit -> (mode, blob id, size in bytes)."""
        entries: dict[str, tuple[str, str, int]] = {}
        for record in self._must("ls-tree", "-r", "-z", "--long", "--full-tree", commit).split(b"\0"):
            if record:
                about, _, path = record.partition(b"\t")
                mode, _, blob, size = about.decode().split()
                entries[_text(path)] = (mode, blob, 0 if size == "-" else int(size))
        return entries

    def blobs(self, ids: list[str]) -> list[bytes]:
        """The contents of blobs, in the order of ``ids``, from one process."""
        out = self._must("cat-file", "--batch", stdin="".join(f"{id_}\n" for id_ in ids).encode())
        contents, index = [], 0
        for id_ in ids:
            end = out.index(b"\n", index)
            header = out[index:end].split()
            if len(header) != 3 or header[1] != b"blob":
                raise OutsideFailed(f"git has no blob {id_}", hint="fetch the missing objects: `git fetch --refetch`")
            size = int(header[2])
            contents.append(out[end + 1 : end + 1 + size])
            index = end + 2 + size
        return contents


def _settings(config: Mapping[str, str]) -> dict[str, str]:
    """Configuration, as git reads it from its environment."""
    env = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
