"""A bug in mlci: one line for the user, and an issue text that is ready to send."""

from __future__ import annotations

import errno
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from mlci import __version__, escape

TEMPLATE = """\
# mlci {version}: {kind}: {message}

**What I did**

```console
{command}
```

**What happened**

```
{trace}
```

**Where**: mlci {version}, Python {python}, {system}

(Read it before you send it: a traceback can hold names of your files.)
"""


def output_is_full(error: Exception) -> bool:
    """Whether a disk, and not mlci, failed while it wrote what it had to say."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def report_bug(error: Exception, argv: Sequence[str]) -> None:
    """Write the issue text to a new file in the temporary folder and say where it is."""
    text = TEMPLATE.format(
        version=__version__,
        kind=type(error).__name__,
        message=escape.line(str(error))[:200],
        command=escape.text("$ mlci " + " ".join(argv)),
        trace=escape.text("".join(traceback.format_exception(error))),
        python=platform.python_version(),
        system=platform.platform(),
    )
    click.echo(f"error[bug]: {type(error).__name__}: {escape.line(str(error))[:300]}", err=True)
    try:
        with tempfile.NamedTemporaryFile("w", prefix="mlci-bug-", suffix=".md", delete=False, encoding="utf-8") as file:
            file.write(text)
    except OSError:
        # no place to write to: the text is still worth more than silence
        sys.stderr.write(text)
        return
    click.echo(f"  hint: this is a bug in mlci; an issue text is ready in {Path(file.name)}", err=True)
