from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Files, git, write_files

from mlci.errors import OutsideFailed, UsageError
from mlci.git import Git
from mlci.testing import FakeWorld
from mlci.world import Completed, World

MakeRepo = Callable[..., Path]
NOTHING = "0" * 40


@pytest.fixture
def root(make_repo: MakeRepo) -> Path:
    return make_repo({"a.txt": "a\n", "models/churn/model.yaml": "version: 1\n", "old.txt": "x\n" * 50})


@pytest.fixture
def repo(root: Path) -> Git:
    return Git(root, World(root))


def commit(root: Path, files: Files | None = None, message: str = "more") -> str:
    write_files(root, files or {})
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


# Names of commits ---------------------------------------------------------------------------------------------------


class NoGit(FakeWorld):
    """A world in which starting a program is the failure."""

    def run(self, *_: object, **__: object) -> Completed:
        raise AssertionError("git was started")


HOSTILE = {
    "option": "--output=/tmp/x",
    "short option": "-n",
    "upload-pack": "--upload-pack=touch x",
    "range": "main..other",
    "symmetric range": "main...other",
    "excluded": "^main",
    "path of a tree": "main:a.txt",
    "index": ":a.txt",
    "search": ":/first",
    "reflog": "main@{yesterday}",
    "peel to a tree": "main^{tree}",
    "newline": "main\n--all",
    "space": "main other",
    "nul": "main\0",
    "shell": "$(touch x)",
    "pattern": "refs/*",
    "escape": "\x1b[2J",
    "empty": "",
    "backslash": "a\\b",
    "traversal": "../../etc/passwd",
}


@pytest.mark.parametrize("revision", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("ask", ["commit", "merge_base"])
def test_what_is_no_name_of_a_commit_never_reaches_git(tmp_path: Path, revision: str, ask: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a commit, branch or tag"):
        getattr(Git(tmp_path, NoGit(tmp_path)), ask)(revision)


def test_a_refused_name_is_shown_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`main\\n::error::\\x1b`"):
        Git(tmp_path, NoGit(tmp_path)).commit("main\n::error::\x1b")


@pytest.mark.parametrize(
    "revision",
    ["main", "HEAD", "HEAD~0", "HEAD^0", "refs/heads/main", "v1.0.0", "churn@v1.2.3", "feature/a_b-c", "main~0^0"],
)
def test_a_name_of_a_commit_is_its_id(repo: Git, root: Path, revision: str) -> None:
    for name in ("v1.0.0", "churn@v1.2.3"):
        git(root, "tag", "-a", name, "-m", "annotated")
    git(root, "branch", "feature/a_b-c")
    assert repo.commit(revision) == git(root, "rev-parse", "HEAD")


def test_an_id_of_a_commit_is_itself(repo: Git, root: Path) -> None:
    first = git(root, "rev-parse", "HEAD")
    commit(root)
    assert repo.commit(first) == repo.commit(first[:10]) == repo.commit("HEAD~1") == first


@pytest.mark.parametrize("revision", ["nothing", NOTHING, "HEAD~5"])
def test_a_name_that_no_commit_has_is_refused_with_a_hint(repo: Git, revision: str) -> None:
    with pytest.raises(UsageError, match=f"`{revision}` is not a commit of this repository") as caught:
        repo.commit(revision)
    assert caught.value.hint == "see `git branch --all`"


def test_a_file_is_no_commit(repo: Git, root: Path) -> None:
    with pytest.raises(UsageError):
        repo.commit(git(root, "rev-parse", "HEAD:a.txt"))


def test_a_branch_wins_over_a_file_of_its_name(repo: Git, root: Path) -> None:
    git(root, "branch", "models")
    assert repo.commit("models") == git(root, "rev-parse", "HEAD")


def test_the_head_is_the_commit_that_is_checked_out(repo: Git, root: Path) -> None:
    assert repo.head() == git(root, "rev-parse", "HEAD")


def test_before_the_first_commit_there_is_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert Git(tmp_path, World(tmp_path)).head() is None


# A clone without its history ----------------------------------------------------------------------------------------


@pytest.fixture
def shallow(root: Path, tmp_path: Path) -> Git:
    git(root, "checkout", "-q", "-b", "feature")
    commit(root, {"b.txt": "b"})
    commit(root, {"c.txt": "c"})
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", root.as_uri(), "shallow")
    return Git(tmp_path / "shallow", World(tmp_path))


def test_a_shallow_clone_knows_that_it_is_one(shallow: Git, repo: Git) -> None:
    assert (shallow.is_shallow(), repo.is_shallow()) == (True, False)


def test_a_commit_that_a_shallow_clone_lacks_comes_with_the_cure(shallow: Git) -> None:
    with pytest.raises(UsageError, match="`HEAD~1` is not a commit") as caught:
        shallow.commit("HEAD~1")
    assert "fetch-depth: 0" in caught.value.hint


def test_a_merge_base_that_a_shallow_clone_lacks_comes_with_the_cure(shallow: Git) -> None:
    with pytest.raises(UsageError, match="HEAD and `origin/main` have no commit in common") as caught:
        shallow.merge_base("origin/main")
    assert "fetch-depth: 0" in caught.value.hint


def test_histories_that_never_met_have_no_cure(repo: Git, root: Path) -> None:
    git(root, "checkout", "-q", "--orphan", "other")
    commit(root)
    with pytest.raises(UsageError, match="HEAD and `main` have no commit in common") as caught:
        repo.merge_base("main")
    assert caught.value.hint == ""


def test_the_merge_base_is_where_the_branches_parted(repo: Git, root: Path) -> None:
    parted = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "-b", "feature")
    commit(root, {"b.txt": "b"})
    git(root, "checkout", "-q", "main")
    commit(root, {"c.txt": "c"})
    assert repo.merge_base("feature") == parted


# What changed -------------------------------------------------------------------------------------------------------


def changed(repo: Git) -> list[str]:
    return repo.changed_since(repo.commit("main"))


def test_nothing_changed_in_a_clean_checkout(repo: Git) -> None:
    assert (changed(repo), repo.uncommitted()) == ([], set())


def test_a_committed_change_is_one(repo: Git, root: Path) -> None:
    git(root, "checkout", "-q", "-b", "feature")
    commit(root, {"a.txt": "other", "new.txt": "new"})
    assert (changed(repo), repo.uncommitted()) == (["a.txt", "new.txt"], set())


def test_a_change_that_is_only_on_disk_is_one(repo: Git, root: Path) -> None:
    write_files(root, {"a.txt": "other"})
    assert (changed(repo), repo.uncommitted()) == (["a.txt"], {"a.txt"})


def test_a_staged_change_is_one(repo: Git, root: Path) -> None:
    write_files(root, {"a.txt": "other"})
    git(root, "add", "a.txt")
    assert (changed(repo), repo.uncommitted()) == (["a.txt"], {"a.txt"})


def test_a_change_that_was_taken_back_on_disk_is_none(repo: Git, root: Path) -> None:
    git(root, "checkout", "-q", "-b", "feature")
    commit(root, {"a.txt": "other"})
    write_files(root, {"a.txt": "a\n"})
    assert changed(repo) == []


@pytest.mark.parametrize("staged", [True, False], ids=["staged", "on disk"])
def test_a_deleted_file_is_a_change(repo: Git, root: Path, staged: bool) -> None:
    git(root, "rm", "-q", "a.txt") if staged else (root / "a.txt").unlink()
    assert changed(repo) == ["a.txt"]


def test_a_renamed_file_is_both_of_its_names(repo: Git, root: Path) -> None:
    git(root, "mv", "old.txt", "renamed.txt")
    assert changed(repo) == ["old.txt", "renamed.txt"]
    assert repo.uncommitted() == {"old.txt", "renamed.txt"}


def test_renames_are_both_names_whatever_the_configuration_says(repo: Git, root: Path) -> None:
    git(root, "config", "diff.renames", "copies")
    git(root, "mv", "old.txt", "renamed.txt")
    assert changed(repo) == ["old.txt", "renamed.txt"]


def test_an_untracked_file_is_a_change(repo: Git, root: Path) -> None:
    write_files(root, {"models/new/model.yaml": ""})
    assert (changed(repo), repo.uncommitted()) == (["models/new/model.yaml"], {"models/new/model.yaml"})


def test_an_ignored_file_is_no_change_but_is_not_committed_either(repo: Git, root: Path) -> None:
    commit(root, {".gitignore": "*.tmp\n"})
    write_files(root, {"x.tmp": "", "models/churn/y.tmp": ""})
    assert repo.changed_since(repo.commit("HEAD")) == []
    assert repo.uncommitted() == {"x.tmp", "models/churn/y.tmp"}


def test_a_changed_mode_is_a_change(repo: Git, root: Path) -> None:
    (root / "a.txt").chmod(0o755)
    assert changed(repo) == ["a.txt"]


def test_a_file_that_became_a_link_is_a_change(repo: Git, root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to("/etc/passwd")
    assert changed(repo) == ["a.txt"]


@pytest.mark.parametrize("name", ["a\nb", "größe-数据", "a'\"b", "a b", " ", "*", "\\a", "\ta", "-a", ":a"])
def test_a_changed_file_of_any_name_is_told_exactly(repo: Git, root: Path, name: str) -> None:
    write_files(root, {f"staged/{name}": "", f"untracked/{name}": ""})
    git(root, "add", "staged")
    assert changed(repo) == [f"staged/{name}", f"untracked/{name}"]
    assert repo.uncommitted() == {f"staged/{name}", f"untracked/{name}"}


def test_a_changed_name_that_is_no_utf8_is_told_exactly(repo: Git, root: Path) -> None:
    name = os.fsdecode(b"\xff\xfe")
    write_files(root, {name: ""})
    assert changed(repo) == [name]


def test_a_change_is_told_from_the_root_though_git_is_asked_in_a_folder(root: Path) -> None:
    git(root, "config", "diff.relative", "true")
    write_files(root, {"a.txt": "other", "new.txt": ""})
    below = Git(root / "models", World(root))
    assert "new.txt" in below.changed_since(below.commit("main"))


# What a commit holds ------------------------------------------------------------------------------------------------


def test_the_tree_of_a_commit_is_every_path_with_its_blob(repo: Git, root: Path) -> None:
    (root / "link").symlink_to("a.txt")
    head = commit(root, {"größe\n数据": "12345"})
    tree = repo.tree(head)
    assert sorted(tree) == ["a.txt", "größe\n数据", "link", "models/churn/model.yaml", "old.txt"]
    assert tree["größe\n数据"] == ("100644", git(root, "hash-object", "größe\n数据"), 5)
    assert tree["link"][0] == "120000"


def test_the_tree_is_whole_though_git_is_asked_in_a_folder(root: Path) -> None:
    assert "a.txt" in Git(root / "models", World(root)).tree("HEAD")


def test_blobs_come_in_the_order_they_were_asked_for(repo: Git, root: Path) -> None:
    bodies = [b"", b"\n", b"x" * 100_000, b"\0blob 5\n", b"last"]
    commit(root, {f"f{number}": body for number, body in enumerate(bodies)})
    ids = [git(root, "rev-parse", f"HEAD:f{number}") for number in (4, 0, 2, 1, 3, 4)]
    assert repo.blobs(ids) == [bodies[number] for number in (4, 0, 2, 1, 3, 4)]


def test_no_blobs_are_none(repo: Git) -> None:
    assert repo.blobs([]) == []


@pytest.mark.parametrize("which", [NOTHING, "HEAD"], ids=["missing", "a commit"])
def test_what_is_no_blob_is_an_error_that_names_it(repo: Git, root: Path, which: str) -> None:
    object_id = which if which == NOTHING else git(root, "rev-parse", which)
    with pytest.raises(OutsideFailed, match=f"git has no blob {object_id}"):
        repo.blobs([object_id])


# Trouble with git itself --------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_repository_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match=r"^git status failed: fatal: not a git repository[^\n]*$"):
        Git(tmp_path, World(tmp_path)).uncommitted()


def test_a_machine_without_git_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match="`git` cannot be started: No such file"):
        Git(root, World(root, {"PATH": str(tmp_path)})).head()


class Dubious(FakeWorld):
    """A world whose git finds the repository to be somebody else's."""

    def run(self, *_: object, **__: object) -> Completed:
        return Completed(128, b"", b"fatal: detected dubious ownership in repository at '/repo'\nmore\n")


def test_a_repository_of_another_user_comes_with_the_command_that_trusts_it(tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed) as caught:
        Git(tmp_path, Dubious(tmp_path)).uncommitted()
    assert caught.value.hint == f"git config --global --add safe.directory '{tmp_path}'"


# A repository that wants to run something ---------------------------------------------------------------------------


def everything(repo: Git) -> None:
    """Every question that is asked of git, over a work tree with changes."""
    base = repo.commit("main")
    repo.head()
    repo.is_shallow()
    repo.uncommitted()
    repo.merge_base("main")
    repo.changed_since(base)
    repo.blobs([blob for _, blob, _ in repo.tree(base).values()])


@pytest.fixture
def canary(root: Path, tmp_path: Path) -> Path:
    """A program that leaves a file behind when it is run; the repository has something changed to look at."""
    program = tmp_path / "canary.sh"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\ncat\n")
    program.chmod(0o755)
    write_files(root, {".gitattributes": "*.txt diff=evil filter=evil\n"})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "attributes")
    write_files(root, {"a.txt": "b\n", "untracked.txt": "x", "old.txt": "y\n" * 50})
    return program


CONFIG = {
    "fsmonitor": {"core.fsmonitor": "{}"},
    "hooks": {"core.hooksPath": "{}.hooks"},
    "external diff": {"diff.external": "{}"},
    "external diff of a driver": {"diff.evil.command": "{}"},
    "textconv": {"diff.evil.textconv": "{}"},
    "filter": {"filter.evil.clean": "{}", "filter.evil.smudge": "{}"},
    "required filter": {"filter.evil.clean": "{}", "filter.evil.required": "true"},
    "filter process": {"filter.evil.process": "{}"},
    "pager": {"core.pager": "{}", "pager.diff": "{}", "pager.status": "true"},
    "alias": {"alias.status": "!{}", "alias.diff": "!{}", "alias.rev-parse": "!{}"},
    "editor": {"core.editor": "{}", "sequence.editor": "{}"},
    "ssh": {"core.sshCommand": "{}", "core.gitProxy": "{}"},
    "askpass": {"core.askPass": "{}"},
    "include": {"include.path": "{}.config"},
}


@pytest.mark.parametrize("settings", CONFIG.values(), ids=CONFIG)
def test_a_program_that_the_repository_configures_is_not_run(
    repo: Git, root: Path, canary: Path, settings: dict[str, str]
) -> None:
    write_files(
        canary.parent, {"canary.sh.config": f'[core]\n\tfsmonitor = {canary}\n[filter "evil"]\n\tclean = {canary}\n'}
    )
    hooks = canary.parent / "canary.sh.hooks"
    hooks.mkdir()
    for folder in (hooks, root / ".git/hooks"):
        for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"):
            (folder / name).write_bytes(canary.read_bytes())
            (folder / name).chmod(0o755)
    for key, value in settings.items():
        git(root, "config", key, value.format(canary))
    everything(repo)
    assert not (canary.parent / "ran").exists()


def test_the_canary_sings_for_a_git_that_is_asked_plainly(root: Path, canary: Path) -> None:
    git(root, "config", "filter.evil.clean", str(canary))
    git(root, "config", "core.fsmonitor", str(canary))
    git(root, "status")
    assert (canary.parent / "ran").exists()


def test_changes_are_still_found_where_a_filter_is_not_run(repo: Git, root: Path, canary: Path) -> None:
    git(root, "config", "filter.evil.clean", str(canary))
    git(root, "config", "filter.evil.required", "true")
    assert repo.changed_since(repo.commit("main")) == ["a.txt", "old.txt", "untracked.txt"]


def test_a_filter_that_the_user_trusts_is_run(repo: Git, root: Path, canary: Path) -> None:
    # as Git LFS is set up: without it every fetched file would look changed
    git(root, "config", "--global", "filter.evil.clean", str(canary))
    repo.changed_since(repo.commit("main"))
    assert (canary.parent / "ran").exists()


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_PARAMETERS", "GIT_TRACE"]
)
def test_a_variable_of_git_from_outside_changes_nothing(root: Path, tmp_path: Path, name: str) -> None:
    world = World(root, {**os.environ, name: str(tmp_path / "elsewhere")})
    assert Git(root, world).commit("main") == git(root, "rev-parse", "main")
    assert not (tmp_path / "elsewhere").exists()


def test_a_replaced_object_is_read_as_it_was(repo: Git, root: Path) -> None:
    first = git(root, "rev-parse", "HEAD:a.txt")
    write_files(root, {"other": "forged\n"})
    forged = git(root, "hash-object", "-w", "other")
    git(root, "replace", first, forged)
    assert repo.blobs([first]) == [b"a\n"]


def test_looking_writes_nothing_into_the_repository(repo: Git, root: Path) -> None:
    def state() -> dict[str, bytes]:
        files = [path for path in (root / ".git").rglob("*") if path.is_file()]
        # git diff notes in its index what it found unchanged, and nothing else
        return {str(path): path.read_bytes() for path in files if path.name != "index"}

    before = state()
    everything(repo)
    assert state() == before
