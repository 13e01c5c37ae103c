"""Tries the core install of mlci (no extra) as a user would: ``python scripts/try_core.py PATH_OF_MLCI``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

MANIFEST = """\
version: 1
name: core
artifact: model.csv
runtime: predictions
datasets:
  test: {path: test.csv, target: y}
checks:
  - metric: {data: test, name: accuracy, min: 0.5}
"""


def main(mlci: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # a repository of its own: the temporary folder may stand in another one
        subprocess.run(["git", "init", "--quiet", root], check=True)
        (root / "model.yaml").write_text(MANIFEST, encoding="utf-8")
        (root / "model.csv").write_text("prediction\n1\n", encoding="utf-8")
        (root / "test.csv").write_text("x,y\n1,1\n", encoding="utf-8")

        def run(*words: str) -> tuple[int, str]:
            done = subprocess.run([mlci, *words], cwd=root, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        expected = [
            (("validate",), 0, "valid: 1 file"),
            (("check", "--only", "artifact"), 0, "passed"),
            # what needs an extra says which, and is no pass
            (("check",), 1, "pip install 'mlci[data]'"),
            (("validate", "nothing.yaml"), 2, "is not there"),
        ]
        wrong = 0
        for words, code, text in expected:
            got, said = run(*words)
            ok = got == code and text in said
            wrong += not ok
            print(f"{'ok' if ok else 'WRONG'}: mlci {' '.join(words)} -> {got}")
            if not ok:
                print(said)
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
