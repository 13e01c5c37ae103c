from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.paths import Paths, expand, is_glob, lexical_problem

OUTSIDE = {
    "": "an empty path names no file",
    " ": "an empty path names no file",
    "\t\n": "an empty path names no file",
    "/": "it is absolute",
    "/etc/passwd": "it is absolute",
    "/dev/zero": "it is absolute",
    "/proc/self/mem": "it is absolute",
    "//server/share": "it is absolute",
    "..": "it leads outside",
    "../x": "it leads outside",
    "../../../../etc/passwd": "it leads outside",
    "models/../../../etc/passwd": "it leads outside",
    "a/../..": "it leads outside",
    "./../x": "it leads outside",
    "a//../../x": "it leads outside",
    "a/./../../x": "it leads outside",
    "..\\..\\etc\\passwd": "a backslash",
    "a\\b": "a backslash",
    "\\\\server\\share": "a backslash",
    "C:\\x": "a backslash",
    "C:/x": "it is a URL or a drive",
    "C:x": "it is a URL or a drive",
    "file:///etc/passwd": "it is a URL or a drive",
    "http://127.0.0.1:9/m.onnx": "it is a URL or a drive",
    "https://example.org/m": "it is a URL or a drive",
    "s3://bucket/key": "it is a URL or a drive",
    "data:text/plain,x": "it is a URL or a drive",
    "git+ssh://x/y": "it is a URL or a drive",
    "model.onnx:stream": "it is a URL or a drive",
    "~": "it begins with a home folder",
    "~/.ssh/id_rsa": "it begins with a home folder",
    "~root/x": "it begins with a home folder",
    ".git": "`.git` belongs to git",
    ".git/config": "`.git` belongs to git",
    "a/.git/hooks/x": "`.git` belongs to git",
    ".GIT/config": "`.git` belongs to git",
    "a/.Git": "`.git` belongs to git",
}


@pytest.mark.parametrize("globs", [False, True], ids=["path", "pattern"])
@pytest.mark.parametrize("path", OUTSIDE, ids=ascii)
def test_a_path_that_is_not_inside_the_repository_is_told_why(path: str, globs: bool) -> None:
    problem = lexical_problem(path, globs=globs)
    assert problem.startswith(OUTSIDE[path])
    assert "outside the repository" in problem


@pytest.mark.parametrize(
    "path",
    [
        *(
            "a",
            "a/b.csv",
            "./a",
            "a//b",
            "a/",
            ".",
            "a/../b",
            "a/b/../../c",
            "...",
            "a/.../b",
            "..a",
            "a..b",
            ".gitignore",
        ),
        *(
            "x.git/y",
            ".github/x",
            "a b",
            "é/世界",
            "a~",
            "a/~b",
            "%2e%2e/x",
            "$HOME/x",
            "-rf",
            "a:b/c"[2:],
            "d/a:b",
            "1:2",
        ),
    ],
)
def test_a_path_inside_the_repository_has_no_problem(path: str) -> None:
    assert lexical_problem(path) == ""
    assert lexical_problem(path, globs=True) == ""


@pytest.mark.parametrize("path", ["*", "models/*", "a?.csv", "a[12].csv", "**/x", "a/["])
def test_a_pattern_is_a_path_only_where_one_is_asked_for(path: str) -> None:
    assert is_glob(path)
    assert lexical_problem(path, globs=True) == ""
    assert lexical_problem(path).startswith("one file or folder is expected, not a pattern")


@pytest.mark.parametrize("path", ["a", "a.b/c-d_e", "{a,b}", "a]", "!a"])
def test_a_plain_path_is_no_pattern(path: str) -> None:
    assert not is_glob(path)


@pytest.mark.parametrize(
    ("folder", "path", "inside"),
    [
        ("models/a", "../x", True),
        ("models/a", "../../x", True),
        ("models/a", "../../../x", False),
        ("models/a", "b/../../../x", True),
        ("models/a", "../../models/b/../../x", True),
        ("models/a/", "../../../x", False),
        ("", "../x", False),
        ("models/a", "/x", False),
        ("models/a", "../../.git/config", False),
    ],
)
def test_how_far_up_a_path_may_lead_is_told_by_its_folder(folder: str, path: str, inside: bool) -> None:
    assert (lexical_problem(path, folder=folder) == "") is inside


parts = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c.d"]), min_size=1, max_size=8).map("/".join)
folders = st.lists(st.sampled_from(["x", "y"]), max_size=3).map("/".join)


@given(folders, parts)
def test_what_has_no_problem_is_inside_however_it_is_joined(folder: str, path: str) -> None:
    if lexical_problem(path, folder=folder):
        return
    joined = posixpath.normpath(posixpath.join("/repo", folder, path))
    assert joined == "/repo" or joined.startswith("/repo/")


@given(folders, parts.filter(lambda path: path.strip() and not path.startswith("/")))
def test_what_leads_outside_is_refused_even_if_it_leads_back(folder: str, path: str) -> None:
    depth = lowest = len(folder.split("/")) if folder else 0
    for part in path.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        lowest = min(lowest, depth)
    assert bool(lexical_problem(path, folder=folder)) is (lowest < 0)


@given(st.text(max_size=30))
def test_any_text_is_judged_in_one_line(path: str) -> None:
    problem = lexical_problem(path)
    assert "\n" not in problem
    assert not problem or "outside the repository" in problem


# Patterns ---------------------------------------------------------------------------------------------------------

FILES = [
    "model.yaml",
    "models/a/model.yaml",
    "models/b/model.yaml",
    "models/b/d/x.csv",
    "models/.h/x.csv",
    "d/e/f/g.csv",
]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("models/*/model.yaml", ["models/a/model.yaml", "models/b/model.yaml"]),
        ("models/[ab]", ["models/a", "models/b"]),
        ("models/[!a]/model.yaml", ["models/b/model.yaml"]),
        ("*.yaml", ["model.yaml"]),
        ("*.csv", []),
        ("**/*.csv", ["d/e/f/g.csv", "models/b/d/x.csv"]),
        ("d/**/g.csv", ["d/e/f/g.csv"]),
        ("**/model.yaml", ["model.yaml", "models/a/model.yaml", "models/b/model.yaml"]),
        ("models/.h/*", ["models/.h/x.csv"]),
        ("models/.?/*", ["models/.h/x.csv"]),
        ("model.yaml/*", []),
        ("mod*", ["model.yaml", "models"]),
        ("MODELS/*", []),
    ],
)
def test_a_pattern_names_the_paths_that_match(pattern: str, found: list[str]) -> None:
    assert expand(pattern, Paths(FILES)) == found


@given(st.text("a*?[]!/.", max_size=12).filter(lambda pattern: not pattern.startswith("/")))
def test_any_pattern_names_only_what_is_there(pattern: str) -> None:
    held = Paths(FILES)
    for path in expand(pattern, held):
        assert held.exists(posixpath.normpath(path))


def test_a_pattern_of_many_stars_looks_at_every_folder_once() -> None:
    deep = "/".join("a" * 200)
    assert expand("/".join(["**"] * 40) + "/x", Paths([f"{deep}/x"])) == [f"{deep}/x"]
    assert expand("*a" * 30 + "b", Paths(["a" * 200])) == []
