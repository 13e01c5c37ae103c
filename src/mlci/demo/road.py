"""The steps of the demo. Every line that begins with ``$`` is a command that a user could have typed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

from mlci import gate, reports, validation
from mlci.checking import check
from mlci.errors import MissingExtra, OutsideFailed, UsageError
from mlci.escape import line
from mlci.gate import Decision
from mlci.ports import Progress
from mlci.selection import Selection
from mlci.workspace import open_workspace
from mlci.world import World, this_python

FILES = ("data.py", "train.py", "model.yaml", "MODEL_CARD.md")
IGNORED = "report.json\n__pycache__/\n"
WEAK = "mean symmetry,mean fractal dimension"
"""Two columns that hardly tell the classes apart: the worse candidate is trained on them alone."""

# what the demo's scripts import, and the extra that brings it
_NEEDS = (("sklearn", "scikit-learn"), ("skops", "skops"), ("pandas", "pandas"), ("duckdb", "duckdb"))
_COMMITTER = (
    *("-c", "user.name=mlci demo", "-c", "user.email=demo@example.invalid"),
    *("-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"),
)

Say = Callable[[str], None]


class Road:
    """One walk in one new folder."""

    def __init__(self, folder: Path, world: World, say: Say, progress: Progress | None = None) -> None:
        self.folder = folder
        # inside a hook, git's own variables would lead every commit of the demo into another repository
        self.world = World(folder, {name: value for name, value in world.env.items() if not name.startswith("GIT_")})
        self.say = say
        self.progress = progress

    def walk(self) -> tuple[Decision, Decision]:
        """Lay out, train, check, break, check again -> what was decided of the good and of the worse model."""
        self.say("# 1. a repository with a model: real data, a training script, a card, and model.yaml\n")
        self._lay_out()
        self._run("python", "data.py")
        self._run("python", "train.py")
        self._run("git", "init", "--quiet", "--initial-branch=main")
        self._commit("A model of breast cancer")
        self.say("\n# 2. one command measures what model.yaml asks for\n")
        self._validate()
        good = self._check(Selection())
        self.say("\n# 3. a branch brings a candidate that was trained on two weak columns\n")
        self._run("git", "switch", "--quiet", "--create", "candidate")
        self._run("python", "train.py", "--features", WEAK)
        self._commit("Train on two columns")
        worse = self._check(Selection(changed_since="main"))
        return good, worse

    def _lay_out(self) -> None:
        source = resources.files("mlci.demo") / "files"
        for name in FILES:
            (self.folder / name).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
        (self.folder / ".gitignore").write_text(IGNORED, encoding="utf-8")
        self.say(f"wrote {', '.join(FILES)}")

    def _run(self, *words: str) -> None:
        self.say("$ " + " ".join(_quoted(word) for word in words))
        argv = [this_python() if word == "python" and not index else word for index, word in enumerate(words)]
        if argv[0] == "git":
            argv[1:1] = _COMMITTER
        done = self.world.run(argv, timeout_s=600)
        if done.status:
            last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.status}"])[-1]
            raise OutsideFailed(f"`{' '.join(words[:2])}` failed: {line(last)}")

    def _commit(self, message: str) -> None:
        self._run("git", "add", "--all")
        self._run("git", "commit", "--quiet", "-m", message)

    def _validate(self) -> None:
        self.say("$ mlci validate")
        with open_workspace(self.world) as workspace:
            looked_at, findings = validation.validate(workspace)
        for finding in findings:
            self.say(f"{finding.at}: {finding.message}")
        self.say(f"valid: {len(looked_at)} file\n")

    def _check(self, selection: Selection) -> Decision:
        self.say(f"$ mlci check {selection.words()}".rstrip())
        with open_workspace(self.world) as workspace:
            report = check(workspace, selection, progress=self.progress)
        (self.folder / "report.json").write_text(reports.render(report, "json"), encoding="utf-8")
        self.say(reports.render(report, "terminal").rstrip("\n"))
        return gate.decide(report)


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def new_folder(path: Path) -> Path:
    """The folder of the demo, made now. Raises UsageError when there is something in it already."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"`{line(str(path))}` is not empty", hint="name another folder: mlci demo FOLDER")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideFailed(f"`{line(str(path))}` cannot be made: {(error.strerror or '').lower()}") from None
    return path.resolve()


def require_libraries(find: Callable[[str], object | None]) -> None:
    """Raise MissingExtra unless ``find`` (such as importlib.util.find_spec) finds what the demo imports."""
    for module, library in _NEEDS:
        if find(module) is None:
            raise MissingExtra("demo", library)


def ended_well(decisions: Sequence[Decision]) -> bool:
    """Whether the good model passed and the worse one was refused."""
    return [decision.allowed for decision in decisions] == [True, False]
