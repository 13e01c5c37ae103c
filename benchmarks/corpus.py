"""A conformance corpus of bad inputs, run through the real command line: what is not handled as it says, and why.

``python benchmarks/corpus.py FOLDER [CLASS ...]`` reads ``FOLDER/cases.jsonl`` (one case a line: ``id``, ``cls``,
``path``, ``expect {action, within_s, max_mb, must}``) and the files it names, for the classes manifest, schema, path,
terminal and data. Each case runs in a scratch folder of its own, under limits of time and memory, with the network
refused. Ends with 1 when a case is not as expected.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SLACK_S = 10
"""Added to what a case allows: machines differ, and this one may be busy."""
CANARY = "MLCI_CANARY"

# the real command line, in a process that may not open a socket
GUARDED = """
import os, runpy, sys
def no_network(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        os.write(2, b"the network was asked for")
        os._exit(99)
sys.addaudithook(no_network)
runpy.run_module("mlci", run_name="__main__", alter_sys=True)
"""
READ = """
import json, sys
from pathlib import Path
from mlci import document, findings
try:
    print(json.dumps(document.read(Path(sys.argv[1]).read_bytes(), sys.argv[1]).data))
except findings.InvalidFile as error:
    print("\\n".join(f"{finding.at}: {finding.message}" for finding in error.findings), file=sys.stderr)
    sys.exit(2)
"""
FILES = {"model.onnx": "no model, but a file\n", "test.csv": "x,y\n1,1\n2,0\n"}
"""What the manifest that a case is put into names, so that only the case decides."""

# what a case's `must` says of the message, as a pattern of ours
MESSAGES = {
    "message names both lines": r":\d+:\d+: .*line \d+",
    "message: threshold must be finite": "must be finite",
    "message: NO is read as false; quote it": "read as false.*\n.*quote it",
    "message names the path and 'outside the repository'": "outside the repository",
    "'not a regular file'": "not a regular file",
    "ELOOP named": "ELOOP",
    "over max_model_bytes": "over the limit",
    "message names the file, row or column": r"`[\w.]+\.(csv|parquet|arrow)`|line \d+|column|holds one value only",
    "message: no rows; a gate on no rows cannot pass": "has no rows",
    "non-finite predictions: 1 of 3": "1 of 3 numbers in .* are not finite",
    "column is named a": "share of a missing",
}


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    code: int
    out: bytes
    seconds: float
    megabytes: float

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")


@dataclass(frozen=True)
class Case:
    """A line of the corpus, and the text or the bytes it names."""

    name: str
    action: str
    file: Path
    within: float
    megabytes: float
    must: tuple[str, ...]
    kind: str

    @classmethod
    def of(cls, line: dict[str, Any], folder: Path) -> Case:
        expect = line["expect"]
        must = tuple(expect.get("must", ()))
        within = max([expect.get("within_s", 10), *(float(s) for s in re.findall(r"within (\d+) s", " ".join(must)))])
        limit = expect.get("max_mb", 256)
        return cls(line["id"], expect["action"], folder / line["path"], within, limit, must, line.get("kind", ""))


def run(argv: Sequence[str], folder: Path, within: float) -> Ran:
    """Run a command on a terminal of its own, which is where escapes act; kill it when its time is over."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    env = {**os.environ, "TERM": "dumb", "COLUMNS": "200", "PYTHONUTF8": "1"}
    start = time.perf_counter()
    process = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
    os.close(slave)
    killer = threading.Timer(within, process.kill)
    killer.start()
    parts: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(master, parts))
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    killer.cancel()
    reader.join()
    os.close(master)
    return Ran(process.returncode, b"".join(parts), time.perf_counter() - start, usage.ru_maxrss / 1024)


def _drain(master: int, parts: list[bytes]) -> None:
    try:
        while part := os.read(master, 1 << 16):
            parts.append(part)
    except OSError:
        pass  # the other end of a terminal is gone: EIO


def mlci(folder: Path, case: Case, *words: str) -> Ran:
    return run([sys.executable, "-c", GUARDED, *words], folder, case.within + SLACK_S)


def ended_wrongly(ran: Ran, case: Case, codes: Sequence[int]) -> str:
    """Why an end is not one that is foreseen; ``""`` if it is."""
    if ran.code < 0:
        return f"killed by signal {-ran.code} after {ran.seconds:.0f} s"
    if ran.code not in codes:
        return f"ended with {ran.code}, expected {' or '.join(map(str, codes))}: {ran.text[-200:]!r}"
    if "Traceback (most recent call last)" in ran.text:
        return "printed a traceback"
    if ran.megabytes > case.megabytes:
        return f"used {ran.megabytes:.0f} MiB"
    if found := unsafe(ran.out):
        return f"printed {found}"
    for must, pattern in MESSAGES.items():
        if must in case.must and not re.search(pattern, ran.text):
            return f"its message does not match {pattern!r}: {ran.text[:200]!r}"
    return ""


def unsafe(out: bytes) -> str:
    """The first control of an output that a terminal would obey; ``""`` if there is none."""
    try:
        text = out.decode()
    except UnicodeDecodeError as error:
        return f"the byte 0x{out[error.start]:02x}, which is not UTF-8"
    found = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    return f"U+{ord(found.group()):04X}" if found else ""


def manifest_of(**changed: str) -> str:
    """A manifest of mlci's own, valid with ``FILES`` beside it but for what is changed; values are YAML as written."""
    keys = {"name": "demo", "artifact": "model.onnx", "min": "0.5", "description": "text", **changed}
    return (
        f"version: 1\nname: {keys['name']}\ndescription: {keys['description']}\n"
        f"artifact: {keys['artifact']}\nruntime: predictions\n"
        f"datasets: {{test: {{path: test.csv, target: y}}}}\n"
        f"checks:\n  - metric: {{data: test, name: accuracy, min: {keys['min']}}}\n"
    )


def write(folder: Path, **changed: str) -> None:
    for name, text in {**FILES, "model.yaml": manifest_of(**changed)}.items():
        (folder / name).write_text(text, encoding="utf-8")


def manifest(case: Case, folder: Path) -> str:
    """A file for the reader. Its keys are not mlci's, so what the reader takes is said again in mlci's own words."""
    copy = folder / f"case{case.file.suffix}"
    copy.write_bytes(case.file.read_bytes())
    reading = run([sys.executable, "-c", READ, copy.name], folder, case.within + SLACK_S)
    if case.action in ("accept", "neutralise", "flag"):
        allowed = (0, 2) if case.action == "flag" else (0,)
        return ended_wrongly(reading, case, allowed) or ("" if reading.code else changed_meaning(reading, copy))
    ran = mlci(folder, case, "validate", "--verbose", copy.name)
    if wrong := ended_wrongly(ran, case, (2,)):
        return wrong
    if not re.search(rf"^{re.escape(copy.name)}:\d+:\d+: error\[", ran.text, re.MULTILINE):
        return f"its message has no line and column: {ran.text[:200]!r}"
    if (folder / CANARY).exists():
        return "the canary was made"
    if reading.code:
        return ""
    data = json.loads(reading.out)
    if not isinstance(data, dict) or not data:
        return ""  # refused above, for what it is and not for its keys
    said = equivalents(data)
    if not said:
        return f"the reader takes it, and mlci has no word for {sorted(data)}: judge it by hand"
    for changed in said:
        write(folder, **changed)
        ran = mlci(folder, case, "validate", "model.yaml")
        if not (wrong := ended_wrongly(ran, case, (2,))):
            return ""
    return f"as mlci's own {said}: {wrong}"


def equivalents(data: dict[str, Any]) -> list[dict[str, str]]:
    """What a foreign manifest says, one thing at a time, in the words of mlci's own."""
    said = [{"name": json.dumps(data["name"])}] if "name" in data else []
    said += [{"artifact": json.dumps(data["model"])}] if "model" in data else []
    gate = data.get("gate", {})
    bounds = [value for key, value in gate.items() if key.startswith("min")] if isinstance(gate, dict) else [gate]
    said += [{"min": json.dumps(value)} for value in bounds]
    return said + [{"description": json.dumps(text)} for text in scalars(data) if len(str(text)) > 4000]


def changed_meaning(reading: Ran, copy: Path) -> str:
    """Whether a text or a number is read that does not stand in the file as it is."""
    text = copy.read_text("utf-8-sig")
    for value in scalars(json.loads(reading.out)):
        if not isinstance(value, bool) and value is not None and str(value) not in text:
            return f"{value!r} is read, which does not stand in the file"
    return ""


def scalars(data: Any) -> Iterator[Any]:
    if isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from scalars(value)
    else:
        yield data


def schema(case: Case, folder: Path) -> str:
    """A schema of somebody's own, and the instance that is held against it."""
    pair = json.loads(case.file.read_text("utf-8"))
    (folder / "S.json").write_text(json.dumps(pair["schema"]), encoding="utf-8")
    (folder / "instance.json").write_text(json.dumps(pair["instance"]), encoding="utf-8")
    ran = mlci(folder, case, "validate", "--schema", "S.json", "instance.json")
    return ended_wrongly(ran, case, (0,) if case.action == "accept" else (2,))


def path(case: Case, folder: Path) -> str:
    """A recipe that lays out a folder; its manifest is written again in mlci's words."""
    recipe = json.loads(case.file.read_text("utf-8"))
    subprocess.run(["bash", "-c", recipe["setup"]], cwd=folder, check=True, capture_output=True, timeout=120)
    foreign = sorted(folder.glob("mlci.yaml")) or sorted(folder.glob("*/mlci.yaml"))
    for found in foreign:
        written = dict(re.findall(r"^(name|model): (.*)$", found.read_text("utf-8"), re.MULTILINE))
        found.unlink()
        (found.parent / "test.csv").write_text(FILES["test.csv"], encoding="utf-8")
        (found.parent / "model.yaml").write_text(
            manifest_of(name=written["name"], artifact=written["model"]), encoding="utf-8"
        )
        if case.action == "accept" and "/" not in written["model"]:
            (found.parent / written["model"]).touch()
    if (folder / "model.yaml").exists():
        ran = mlci(folder, case, "validate", "model.yaml")
    else:
        (folder / "mlci.yaml").write_text('version: 1\nmodels: ["*"]\n', encoding="utf-8")
        ran = mlci(folder, case, "validate")
    allowed = (0,) if case.action == "accept" else (0, 2) if any(" or " in must for must in case.must) else (2,)
    return ended_wrongly(ran, case, allowed)


def terminal(case: Case, folder: Path) -> str:
    """A text that a terminal would obey, wherever somebody else's text can reach mlci's output."""
    raw = case.file.read_bytes()
    text = raw.decode("utf-8", "surrogateescape")
    named = os.fsdecode(os.fsencode(text.replace("/", "_").replace("\0", "_"))[:200])
    write(folder, description=json.dumps(text))
    (folder / "raw.yaml").write_bytes(raw)
    (folder / "raw.json").write_bytes(raw)
    (folder / "S.json").write_text(json.dumps({"type": "integer", "description": text}), encoding="utf-8")
    (folder / f"{named}.yaml").write_text(manifest_of(min="9"), encoding="utf-8")
    (folder / named).mkdir()
    (folder / named / "model.yaml").write_text(manifest_of(), encoding="utf-8")
    calls: list[tuple[str, ...]] = [
        ("validate", "model.yaml"),
        ("validate", "raw.yaml", "raw.json", "missing.yaml"),
        ("validate", f"{named}.yaml", f"{named}/model.yaml"),
        ("validate", "--format", "json", f"{named}.yaml", f"{named}/model.yaml", "raw.yaml"),
        ("validate", "--schema", "S.json", f"{named}.yaml"),
        ("validate", "--schema", f"{named}.json", "model.yaml"),
        ("list", "-C", named),
        (named,),
        ("-C", named, "list", named),
        ("explain", named),
    ]
    for words in calls:
        ran = mlci(folder, case, *words)
        if wrong := ended_wrongly(ran, case, (0, 1, 2)):
            return f"{words}: {wrong}"
    return ""


def data(case: Case, folder: Path) -> str:
    """A file as the dataset of a model, or as its predictions: of the rows, of every column, and of a metric."""
    table = case.file.name
    if "predictions" in " ".join(case.must):
        # predictions are a table here, not a list
        values = ["p", *case.file.read_text("utf-8").strip("[] \n").split(", ")]
        table, rows = "test.csv", "x,y\n1,1\n2,0\n3,1\n"
        (folder / table).write_text(rows, encoding="utf-8")
    else:
        (folder / table).write_bytes(case.file.read_bytes())
        values = ["p", "0.1", "0.2"]
    (folder / "predictions.csv").write_text("\n".join(values) + "\n", encoding="utf-8")
    target = "b" if "column is named a" in case.must else "y"
    manifest = (
        "version: 1\nname: demo\nartifact: predictions.csv\nruntime: predictions\ntask: binary\n"
        "output: {probabilities: p, classes: [0, 1], positive: 1}\n"
        f"datasets:\n  test:\n    path: {table}\n    target: {target}\n"
        "    checks: [{rows: {min: 1}}, {missing: {max: 10%}}]\n"
        "checks:\n  - metric: {data: test, name: roc_auc, min: 0.5}\n"
    )
    if case.action in ("accept", "neutralise"):
        manifest = manifest[: manifest.index("checks:\n  - metric")]
    (folder / "model.yaml").write_text(manifest, encoding="utf-8")
    ran = mlci(folder, case, "check")
    # 1: a check failed or could not run; 4: it would take too much
    codes = {"accept": (0,), "neutralise": (0,), "flag": (0, 1, 4)}.get(case.action, (1, 4))
    return ended_wrongly(ran, case, codes)


CLASSES: dict[str, Callable[[Case, Path], str]] = {
    "manifest": manifest, "schema": schema, "path": path, "terminal": terminal, "data": data,
}  # fmt: skip


def main(folder: Path, classes: Sequence[str]) -> int:
    sys.setrecursionlimit(50_000)  # the cases that nest deep are read here as well
    sys.set_int_max_str_digits(0)
    rows, unexpected = [], []
    lines = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines() if line.strip()]
    for name in classes:
        cases = [Case.of(line, folder) for line in lines if line["cls"] == name]
        wrong = []
        for case in cases:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
                why = CLASSES[name](case, Path(scratch).resolve())
            wrong += [f"{name} {case.name}: {why}"] if why else []
        rows.append(f"| {name} | {len(cases)} | {len(cases) - len(wrong)} |")
        unexpected += wrong
    print("| class | cases | as expected |", "| --- | --- | --- |", *rows, sep="\n")
    print("", *unexpected, sep="\n") if unexpected else None
    return 1 if unexpected else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= CLASSES.keys():
        sys.exit(f"usage: {sys.argv[0]} FOLDER [{'|'.join(CLASSES)} ...]")
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:] or list(CLASSES)))
