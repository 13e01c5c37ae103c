from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Files, git, write_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlci.errors import LimitReached, OutsideFailed, PathRefused
from mlci.git import Git
from mlci.paths import Paths, expand
from mlci.repo import CommitTree, Repo, WorkTree, find_git, is_lfs_pointer, manifests, refusal
from mlci.world import World

Open = Callable[[Files], Repo]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


def commit_tree(root: Path, scratch: Path) -> CommitTree:
    """HEAD of the repository at ``root``, after everything in it was committed."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "more")
    return CommitTree(Git(root, World(root)), git(root, "rev-parse", "HEAD"), scratch)


@pytest.fixture
def root(make_repo: Callable[[Files], Path]) -> Path:
    return make_repo({})


@pytest.fixture(params=["work tree", "commit"])
def open_repo(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Open:
    """Opens the repository with these files more in it, both ways."""

    def opened(files: Files) -> Repo:
        write_files(root, files)
        return WorkTree(root) if request.param == "work tree" else commit_tree(root, tmp_path / "scratch")

    return opened


@pytest.fixture
def work(root: Path) -> WorkTree:
    return WorkTree(root)


# The same behaviour of a work tree and of a commit ------------------------------------------------------------------


def test_a_file_is_known_with_its_size(open_repo: Open) -> None:
    entry = open_repo({"model/a.bin": b"12345"}).entry("model/a.bin")
    assert (entry.path, entry.kind, entry.size) == ("model/a.bin", "file", 5)


@pytest.mark.parametrize("path", ["", "model", "model/deep"])
def test_a_folder_is_known_as_one(open_repo: Open, path: str) -> None:
    assert open_repo({"model/deep/a.bin": b"1"}).entry(path).kind == "folder"


@pytest.mark.parametrize("path", ["nothing", "model/nothing", "nothing/a.bin", "model/a.bin/below-a-file"])
def test_what_is_not_there_is_missing(open_repo: Open, path: str) -> None:
    assert open_repo({"model/a.bin": b"1"}).entry(path).kind == "missing"


def test_a_file_is_read_whole(open_repo: Open) -> None:
    assert open_repo({"a.bin": b"\0\xff\r\n"}).read("a.bin", 100) == b"\0\xff\r\n"


def test_a_file_of_exactly_the_limit_is_read(open_repo: Open) -> None:
    assert open_repo({"a.bin": b"12345"}).read("a.bin", 5) == b"12345"


def test_a_file_over_the_limit_is_not_read(open_repo: Open) -> None:
    with pytest.raises(LimitReached, match=r"`a.bin` has more than 4 bytes"):
        open_repo({"a.bin": b"12345"}).read("a.bin", 4)


@pytest.mark.parametrize(("size", "head"), [(0, b""), (3, b"123"), (5, b"12345"), (500, b"12345")])
def test_the_head_of_a_file_is_its_first_bytes(open_repo: Open, size: int, head: bytes) -> None:
    assert open_repo({"a.bin": b"12345"}).head("a.bin", size) == head


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1], ids="{:,} bytes".format)
def test_the_digest_is_the_sha256_of_the_bytes(open_repo: Open, size: int) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert open_repo({"a.bin": body}).digest("a.bin") == sha256(body).hexdigest()


def test_the_files_of_a_folder_are_all_files_below_it_sorted(open_repo: Open) -> None:
    repo = open_repo({"m/z": "", "m/b/c/d": "", "m/.hidden": "", "m-other/e": "", "f": ""})
    assert repo.files("m") == ["m/.hidden", "m/b/c/d", "m/z"]


def test_the_files_of_a_file_are_itself(open_repo: Open) -> None:
    assert open_repo({"m/z": ""}).files("m/z") == ["m/z"]


def test_a_file_stands_on_disk_for_a_program_that_needs_it(open_repo: Open) -> None:
    assert open_repo({"m/a.bin": b"bytes"}).local("m/a.bin").read_bytes() == b"bytes"


def test_a_folder_stands_on_disk_whole(open_repo: Open) -> None:
    local = open_repo({"m/a": b"1", "m/deep/b": b"2"}).local("m")
    assert ((local / "a").read_bytes(), (local / "deep/b").read_bytes()) == (b"1", b"2")


@pytest.mark.parametrize("ask", ["read", "head", "digest", "files", "local"])
def test_asking_for_what_is_not_there_is_refused_by_name(open_repo: Open, ask: str) -> None:
    repo = open_repo({"other": ""})
    arguments = {"read": (100,), "head": (10,)}.get(ask, ())
    with pytest.raises(PathRefused, match=r"`model/a.bin` is not there"):
        getattr(repo, ask)("model/a.bin", *arguments)


def test_a_folder_is_no_file_to_read(open_repo: Open) -> None:
    with pytest.raises(PathRefused, match=r"`m` is a folder, expected a file"):
        open_repo({"m/a": ""}).read("m", 100)


OUTSIDE = {
    "up": "../secret",
    "up from a folder": "m/../../secret",
    "up and down": "m/../../repo/../secret",
    "a pattern up": "../s[e]cret",
    "a name like a pattern": "../secret[1]",
    "absolute": "/etc/passwd",
    "home": "~/secret",
    "a drive": "c:/secret",
    "a URL": "file:///etc/passwd",
    "backslashes": "..\\secret",
    "git's own": ".git/config",
    "git's own below": "sub/.git/config",
    "empty but for spaces": "  ",
}


@pytest.mark.parametrize("ask", ["entry", "read", "head", "digest", "files", "local"])
@pytest.mark.parametrize("path", OUTSIDE.values(), ids=OUTSIDE)
def test_a_path_that_leaves_the_repository_is_refused(root: Path, path: str, ask: str) -> None:
    write_files(root, {"m/a": "", "../secret": "x", "../secret[1]": "x"})
    arguments = {"read": (100,), "head": (10,)}.get(ask, ())
    with pytest.raises(PathRefused, match=r"outside the repository|belongs to git"):
        getattr(WorkTree(root), ask)(path, *arguments)


@pytest.mark.parametrize("path", OUTSIDE.values(), ids=OUTSIDE)
def test_a_commit_is_never_asked_for_such_a_path_either(open_repo: Open, path: str) -> None:
    with pytest.raises(PathRefused):
        open_repo({"m/a": ""}).entry(path)


@pytest.mark.parametrize("pattern", ["../*", "m/../../*", "/etc/*", "~/*", "..\\*", ".git/*"])
def test_a_pattern_that_leaves_the_repository_is_refused(open_repo: Open, pattern: str) -> None:
    with pytest.raises(PathRefused):
        open_repo({"m/a": ""}).glob(pattern)


def test_a_refused_path_is_named_on_one_line_of_the_message(open_repo: Open) -> None:
    with pytest.raises(PathRefused, match=r"`/a\\n::error::\\x1b`") as caught:
        open_repo({}).read("/a\n::error::\x1b", 10)
    assert "\n" not in caught.value.message


NAMES = {
    "newline": "a\nb.csv",
    "workflow command": "\n::error::x.csv",
    "quotes": "a'\"`b.csv",
    "pattern": "a[1]*?.csv",
    "unicode": "größe-数据-🦊.csv",
    "decomposed": "gro\u0308\u00dfe.csv",
    "spaces": " a  b .csv",
    "dash": "--output=x.csv",
    "dots": "...csv",
    "escape": "a\x1b[31mb.csv",
    "dollar": "$(touch x).csv",
    "tab": "a\tb.csv",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_of_any_name_is_found_and_read(open_repo: Open, name: str) -> None:
    repo = open_repo({f"m/{name}": b"body"})
    assert repo.files("m") == [f"m/{name}"]
    assert repo.entry(f"m/{name}").kind == "file"
    assert repo.read(f"m/{name}", 100) == b"body"
    assert repo.digest(f"m/{name}") == sha256(b"body").hexdigest()
    assert repo.local(f"m/{name}").read_bytes() == b"body"


def test_a_name_that_is_no_utf8_is_found_and_read(root: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"m/\xff.csv")
    write_files(root, {name: b"body"})
    for repo in (WorkTree(root), commit_tree(root, tmp_path / "scratch")):
        assert repo.files("m") == [name]
        assert repo.read(name, 10) == b"body"


def test_a_dvc_file_in_place_of_its_content_is_a_pointer(open_repo: Open) -> None:
    entry = open_repo({"data/train.csv.dvc": "outs: []"}).entry("data/train.csv")
    assert entry.kind == "dvc-pointer"
    assert refusal(entry).hint == "dvc pull data/train.csv"


def test_a_file_of_a_folder_that_dvc_holds_is_a_pointer(open_repo: Open) -> None:
    entry = open_repo({"data/raw.dvc": "outs: []"}).entry("data/raw/2024/train.csv")
    assert (entry.kind, "`data/raw.dvc`" in entry.detail) == ("dvc-pointer", True)


def test_content_beside_its_dvc_file_is_a_file(open_repo: Open) -> None:
    assert open_repo({"a.csv.dvc": "outs: []", "a.csv": "x"}).entry("a.csv").kind == "file"


def test_a_file_that_is_missing_in_a_pulled_folder_is_missing(work: WorkTree) -> None:
    write_files(work.root, {"data.dvc": "outs: []", "data/train.csv": "x"})
    assert work.entry("data/tran.csv").kind == "missing"


def test_a_git_lfs_pointer_is_told_by_its_first_line(open_repo: Open) -> None:
    assert is_lfs_pointer(open_repo({"a.onnx": POINTER}).head("a.onnx", 64))


@pytest.mark.parametrize("head", [b"", b"version https://git-lfs.github.com/spec/v2", b"x" + POINTER, b"version 1"])
def test_what_only_resembles_an_lfs_pointer_is_none(head: bytes) -> None:
    assert not is_lfs_pointer(head)


# Patterns -----------------------------------------------------------------------------------------------------------

TREE = {
    "a.csv": "", "b.txt": "", "x[1].csv": "", ".github/a.csv": "", "Data2/A.CSV": "",
    "data/a.csv": "", "data/b.csv": "", "data/c.txt": "", "data/.hidden.csv": "", "data/2023/a.csv": "",
    "data/2024/q1/a.csv": "", "data/2024/q1/b.parquet": "", "data/2024/.tmp/x.csv": "",
}  # fmt: skip
PATTERNS: dict[str, list[str]] = {
    "*.csv": ["a.csv", "x[1].csv"],
    "data/*.csv": ["data/a.csv", "data/b.csv"],
    "data/?.csv": ["data/a.csv", "data/b.csv"],
    "data/[ab].csv": ["data/a.csv", "data/b.csv"],
    "data/[!a].*": ["data/b.csv", "data/c.txt"],
    "data/[a-c].txt": ["data/c.txt"],
    "data/[!a-b].txt": ["data/c.txt"],
    "data/[z-a].csv": [],
    "data/[": [],
    "data[!x]a.csv": [],
    "data?a.csv": [],
    "data/*/a.csv": ["data/2023/a.csv"],
    "data/*/*/a.csv": ["data/2024/q1/a.csv"],
    "data/**/a.csv": ["data/2023/a.csv", "data/2024/q1/a.csv", "data/a.csv"],
    "**/b.parquet": ["data/2024/q1/b.parquet"],
    "**/q1/*": ["data/2024/q1/a.csv", "data/2024/q1/b.parquet"],
    "data/**": [
        "data/2023/a.csv", "data/2024/q1/a.csv", "data/2024/q1/b.parquet", "data/a.csv", "data/b.csv", "data/c.txt",
    ],
    "**/**/b.parquet": ["data/2024/q1/b.parquet"],
    "data/**/2024/**": ["data/2024/q1/a.csv", "data/2024/q1/b.parquet"],
    "data/*": ["data/2023", "data/2024", "data/a.csv", "data/b.csv", "data/c.txt"],
    "*/2023": ["data/2023"],
    "data/.*.csv": ["data/.hidden.csv"],
    "*/a.csv": ["data/a.csv"],
    ".*/a.csv": [".github/a.csv"],
    "x[[]1].csv": ["x[1].csv"],
    "data/*.parquet": [],
    "nothing/*.csv": [],
    "a.csv/*": [],
    "data/a**v": ["data/a.csv"],
    "*.CSV": [],
    "data/a.csv": ["data/a.csv"],
    "data": ["data"],
    "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_names(open_repo: Open, pattern: str) -> None:
    assert open_repo(TREE).glob(pattern) == PATTERNS[pattern]


def test_a_plain_path_that_dvc_holds_is_named_though_it_is_not_there(open_repo: Open) -> None:
    assert open_repo({"a.csv.dvc": ""}).glob("a.csv") == ["a.csv"]


@pytest.mark.parametrize("pattern", [".g*", ".g*/*", ".*/config", ".g[i]t/config", "*/config", "**/config"])
def test_no_pattern_names_what_belongs_to_git(work: WorkTree, pattern: str) -> None:
    assert (work.root / ".git/config").exists()
    assert work.glob(pattern) == []


def test_two_links_to_their_own_folder_do_not_keep_a_pattern_busy(work: WorkTree) -> None:
    write_files(work.root, {"data/a.csv": ""})
    (work.root / "data/b").symlink_to(".")
    (work.root / "data/c").symlink_to(".")
    assert work.glob("data/**/*.csv") == ["data/a.csv"]


def test_a_pattern_does_not_look_into_a_folder_outside(work: WorkTree, tmp_path: Path) -> None:
    write_files(tmp_path, {"outside/a.csv": ""})
    (work.root / "data").symlink_to(tmp_path / "outside")
    assert work.glob("data/*.csv") == work.glob("*/*.csv") == work.glob("**/*.csv") == []


def test_a_manifest_behind_a_link_is_named_so_that_it_can_be_refused(work: WorkTree, tmp_path: Path) -> None:
    write_files(tmp_path, {"outside/model.yaml": ""})
    (work.root / "models").mkdir()
    (work.root / "models/x").symlink_to(tmp_path / "outside")
    assert work.glob("models/*/model.yaml") == ["models/x/model.yaml"]
    assert work.entry("models/x/model.yaml").kind == "symlink"


def test_a_link_that_leads_nowhere_is_named(work: WorkTree) -> None:
    (work.root / "a.csv").symlink_to("nowhere")
    (work.root / "loop.csv").symlink_to("loop.csv")
    assert work.glob("*.csv") == ["a.csv", "loop.csv"]


@given(st.text("ab*?[]!-./", min_size=1, max_size=12))
def test_no_pattern_is_too_odd(pattern: str) -> None:
    paths = ["a", "b/a", "b/b/a.b", "ab/[a]/!", "ab/-"]
    found = expand(pattern, Paths(paths))
    assert found == sorted(set(found))


names = st.text("ab", min_size=1, max_size=2)
paths = st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), max_size=8)


@given(paths)
def test_two_stars_alone_name_every_file(found: list[str]) -> None:
    held = Paths(found)
    # a path that is also the folder of another can not be a file
    assert expand("**", held) == sorted(path for path in set(found) if path not in held.folders)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["*", "**", "a", "?", "[ab]", "[!a]", "*.b", "data"]), min_size=1, max_size=4))
def test_a_work_tree_and_its_paths_read_a_pattern_alike(tmp_path: Path, parts: list[str]) -> None:
    files = ["a", "data/a", "data/x.b", "b/a/data/a", "b/b/b", "b/.b/a", "x.b"]
    write_files(tmp_path / "r", dict.fromkeys(files, ""))
    pattern = "/".join(parts)
    assert expand(pattern, WorkTree(tmp_path / "r")) == expand(pattern, Paths(files))


# Manifests ----------------------------------------------------------------------------------------------------------


def test_the_manifests_are_that_of_the_root_and_those_of_the_globs(open_repo: Open) -> None:
    repo = open_repo({"model.yaml": "", "models/b/model.yaml": "", "models/a/model.yaml": "", "x/c/model.yaml": ""})
    assert manifests(repo, ["models/*", "x/*/"]) == [
        "model.yaml",
        "models/a/model.yaml",
        "models/b/model.yaml",
        "x/c/model.yaml",
    ]


def test_a_manifest_that_two_globs_name_is_one(open_repo: Open) -> None:
    assert manifests(open_repo({"m/a/model.yaml": ""}), ["m/*", "**", "m/a"]) == ["m/a/model.yaml"]


def test_a_folder_without_a_manifest_is_no_model(open_repo: Open) -> None:
    assert manifests(open_repo({"models/a/model.yml": "", "models/README.md": ""}), ["models/*"]) == []


# Links and special files of a work tree -----------------------------------------------------------------------------


def linked(work: WorkTree, path: str, target: str | Path) -> WorkTree:
    link = work.root / path
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    return work


@pytest.mark.parametrize("target", ["real.bin", "../outside.bin", "/dev/zero", "nowhere"])
@pytest.mark.parametrize("ask", ["read", "head", "digest", "files", "local"])
def test_a_link_is_refused_wherever_it_leads(work: WorkTree, target: str, ask: str) -> None:
    write_files(work.root, {"real.bin": "x", "../outside.bin": "x"})
    linked(work, "m.bin", target)
    arguments = {"read": (100,), "head": (10,)}.get(ask, ())
    with pytest.raises(PathRefused, match=r"`m.bin` is refused: `m.bin` is a symbolic link, which may lead outside"):
        getattr(work, ask)("m.bin", *arguments)


@pytest.mark.parametrize("ask", ["read", "digest", "local"])
def test_a_file_behind_a_linked_folder_is_refused_with_the_link_named(work: WorkTree, ask: str) -> None:
    write_files(work.root, {"../outside/m.bin": "x"})
    linked(work, "models/linked", "../../outside")
    arguments = {"read": (100,)}.get(ask, ())
    with pytest.raises(PathRefused, match=r"`models/linked/m.bin` is refused: `models/linked` is a symbolic link"):
        getattr(work, ask)("models/linked/m.bin", *arguments)


def test_a_link_that_leads_to_itself_is_named_as_such(work: WorkTree) -> None:
    linked(work, "a", "b")
    linked(work, "b", "a")
    with pytest.raises(PathRefused, match=r"leads back to itself \(ELOOP\)"):
        work.read("a", 10)


def test_a_link_in_a_folder_refuses_the_folder(work: WorkTree) -> None:
    write_files(work.root, {"m/a": ""})
    linked(work, "m/deep/link", "/etc/hostname")
    with pytest.raises(PathRefused, match=r"`m/deep/link` is refused"):
        work.files("m")


@pytest.fixture(params=["pipe", "socket", "device"])
def special(request: pytest.FixtureRequest, work: WorkTree, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkTree]:
    """A work tree with something at ``m/special`` that is no file, folder or link."""
    (work.root / "m").mkdir()
    if request.param == "pipe":
        os.mkfifo(work.root / "m/special")
        yield work
    elif request.param == "socket":
        monkeypatch.chdir(work.root)  # the path of a socket has at most 107 bytes
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("m/special")
            yield work
    else:
        # a device can be made by root only; the ones of the system serve anybody
        yield WorkTree(Path("/"))


@pytest.mark.parametrize("ask", ["read", "head", "digest", "files", "local"])
def test_what_is_no_file_is_refused_and_never_waited_for(special: WorkTree, ask: str) -> None:
    path = "dev/zero" if special.root == Path("/") else "m/special"
    arguments = {"read": (100,), "head": (10,)}.get(ask, ())
    with pytest.raises(PathRefused, match=f"`{path}` is not a regular file: it is a device, a pipe or a socket"):
        getattr(special, ask)(path, *arguments)


def test_a_pipe_in_a_folder_refuses_the_folder(work: WorkTree) -> None:
    write_files(work.root, {"m/a": ""})
    os.mkfifo(work.root / "m/pipe")
    with pytest.raises(PathRefused, match=r"`m/pipe` is not a regular file"):
        work.files("m")


def test_a_name_that_is_too_long_is_refused_in_words(work: WorkTree) -> None:
    with pytest.raises(PathRefused, match="File name too long"):
        work.read("x" * 5000, 10)


def test_a_sparse_file_costs_nothing_to_look_at(work: WorkTree) -> None:
    with (work.root / "huge.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    assert work.entry("huge.bin").size == 1 << 40
    assert work.head("huge.bin", 4) == b"\0\0\0\0"
    with pytest.raises(LimitReached):
        work.read("huge.bin", 1 << 20)


def test_a_work_tree_is_called_by_the_name_of_its_folder(tmp_path: Path) -> None:
    assert WorkTree(tmp_path / "my\nmodels").label == "my\\nmodels"


# Links and special entries of a commit ------------------------------------------------------------------------------


def test_a_link_in_a_commit_is_refused(root: Path, tmp_path: Path) -> None:
    linked(WorkTree(root), "m.bin", "/etc/passwd")
    with pytest.raises(PathRefused, match=r"`m.bin` is a symbolic link"):
        commit_tree(root, tmp_path / "scratch").read("m.bin", 100)


def test_a_path_behind_a_linked_folder_of_a_commit_is_refused(root: Path, tmp_path: Path) -> None:
    linked(WorkTree(root), "models/linked", "../..")
    with pytest.raises(PathRefused, match=r"a folder of `models/linked/m.bin` is a symbolic link"):
        commit_tree(root, tmp_path / "scratch").local("models/linked/m.bin")


def test_a_link_in_a_folder_of_a_commit_is_not_copied_to_disk(root: Path, tmp_path: Path) -> None:
    write_files(root, {"m/a": ""})
    linked(WorkTree(root), "m/link", "/etc/passwd")
    with pytest.raises(PathRefused, match=r"`m/link` is refused"):
        commit_tree(root, tmp_path / "scratch").local("m")
    assert not (tmp_path / "scratch").exists()


def test_a_submodule_is_no_file(make_repo: Callable[..., Path], root: Path, tmp_path: Path) -> None:
    other = make_repo({"a": ""}, "other")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{git(other, 'rev-parse', 'HEAD')},sub")
    git(root, "commit", "-qm", "sub")
    tree = CommitTree(Git(root, World(root)), "HEAD", tmp_path / "scratch")
    with pytest.raises(PathRefused, match=r"`sub` is not a regular file: it is a submodule"):
        tree.read("sub", 100)


def hostile_tree(root: Path, name: bytes) -> str:
    """A commit with one entry of a name that no checkout would write; git itself has to be forced to make it."""
    import subprocess

    def store(kind: str, body: bytes) -> str:
        argv = ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
        return subprocess.run(argv, cwd=root, input=body, capture_output=True, check=True).stdout.decode().strip()

    blob = store("blob", b"gotcha")
    inner = store("tree", b"100644 evil\0" + bytes.fromhex(blob))
    outer = store("tree", b"40000 " + name + b"\0" + bytes.fromhex(inner))
    top = store("tree", b"40000 m\0" + bytes.fromhex(outer))
    who = "A <a@example.com> 1700000000 +0000"
    return store("commit", f"tree {top}\nauthor {who}\ncommitter {who}\n\nx\n".encode())


@pytest.mark.parametrize("name", [b"..", b".git"])
def test_a_forged_commit_cannot_write_beside_its_scratch_folder(root: Path, tmp_path: Path, name: bytes) -> None:
    scratch = tmp_path / "deep/scratch"
    tree = CommitTree(Git(root, World(root)), hostile_tree(root, name), scratch)
    try:
        tree.local("m")
    except PathRefused:
        pass  # refused is as good as written where it belongs
    written = [path for path in tmp_path.rglob("evil") if root not in path.parents]
    assert all(scratch in path.parents for path in written)
    assert not list(scratch.rglob(".git"))


def test_many_small_files_of_a_commit_are_read_at_once(root: Path, tmp_path: Path) -> None:
    write_files(root, {"a": b"1", "b": b"\n\n2 blob 3\n", "c": b""})
    tree = commit_tree(root, tmp_path / "scratch")
    tree.hold(["a", "nothing", "b", "c"])
    git(root, "gc", "-q")
    assert [tree.read(name, 100) for name in "abc"] == [b"1", b"\n\n2 blob 3\n", b""]


def test_a_commit_is_read_as_it_was_and_not_as_the_work_tree_is(root: Path, tmp_path: Path) -> None:
    write_files(root, {"a": b"old", "gone": b"x"})
    tree = commit_tree(root, tmp_path / "scratch")
    write_files(root, {"a": b"new!", "more": b"x"})
    (root / "gone").unlink()
    assert (tree.read("a", 10), tree.entry("gone").kind, tree.entry("more").kind) == (b"old", "file", "missing")


def test_a_commit_is_called_by_its_folder_and_its_id(root: Path, tmp_path: Path) -> None:
    tree = commit_tree(root, tmp_path / "scratch")
    assert tree.label == f"repo at {git(root, 'rev-parse', '--short=12', 'HEAD')}"


def test_a_commit_whose_objects_are_lost_says_so(root: Path, tmp_path: Path) -> None:
    write_files(root, {"a": b"body"})
    tree = commit_tree(root, tmp_path / "scratch")
    blob = git(root, "rev-parse", "HEAD:a")
    (root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(OutsideFailed, match=f"git has no blob {blob}"):
        tree.read("a", 10)


def test_an_empty_commit_is_an_empty_folder(root: Path, tmp_path: Path) -> None:
    tree = commit_tree(root, tmp_path / "scratch")
    assert (tree.entry("").kind, tree.files(""), tree.glob("**")) == ("folder", [], [])


# Where a work tree begins -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "models", "models/deep/er"])
def test_the_work_tree_is_found_from_any_folder_of_it(root: Path, below: str) -> None:
    (root / below).mkdir(parents=True, exist_ok=True)
    assert find_git(root / below) == root


def test_a_linked_work_tree_is_one(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert find_git(tmp_path / "linked") == tmp_path / "linked"
