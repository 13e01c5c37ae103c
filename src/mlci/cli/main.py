"""The ``mlci`` command: finds the command that was named, and turns every end into one line and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from mlci import __version__
from mlci.errors import ExitCode, MlciError

# name -> its line in --help; the command itself is in the module of that name (tested to say the same)
COMMANDS = {
    "init": "Look at a repository and write a model.yaml for what is found.",
    "validate": "Hold manifests against their schemas; fast, for hooks.",
    "check": "Run the checks, write report.json and print what was measured.",
    "report": "Render report.json files as text, Markdown, JUnit or annotations.",
    "data": "Profile datasets, compare them, and exchange their contracts.",
    "explain": "Say what a check looks at, why, and how to fix what it finds.",
    "list": "List the models of a repository, or the plugins that are known.",
    "demo": "A real model on real data through the whole road, in one folder.",
    "completion": "Print the lines that complete mlci in your shell.",
}

EXAMPLES = """\b
Examples:
  mlci demo                               see it work, in a folder of its own
  mlci init                               describe the model in this folder
  mlci check                              measure everything, print a table
  mlci check --changed-since origin/main  measure what a branch touches
"""


class Commands(click.Group):
    """Knows every command by name and summary, and imports the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # `list` would hide the builtin in its own module
        command: click.Command = import_module(f"mlci.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            ctx.fail(f"there is no command `{args[0]}`{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-C", "--folder", metavar="FOLDER", help="Work as if started in this folder.")
@click.option("--debug", is_flag=True, help="Show the traceback of what went wrong.")
@click.version_option(__version__, prog_name="mlci", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, folder: str | None, debug: bool) -> None:
    """Measure the models of a git repository before they reach production."""
    if folder is not None:
        from contextlib import chdir

        from mlci.errors import UsageError

        try:
            ctx.with_resource(chdir(folder))
        except OSError as error:
            raise UsageError(f"`{folder}` is no folder to work in: {(error.strerror or '').lower()}") from None


def run() -> None:
    """The entry point: ends the process with one of the documented exit codes."""
    import gc
    import io
    import signal

    # a letter that the terminal's encoding lacks is written out
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # a stop from outside ends like one from the keyboard: every child ended, an exit code of its own
    signal.signal(signal.SIGTERM, _interrupt)
    # a start is mostly imports, which make no garbage: looking for it costs a hook a twentieth of its time
    gc.set_threshold(100_000, 20, 20)
    sys.exit(main(sys.argv[1:]))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    debug, stdout = "--debug" in argv, sys.stdout
    try:
        return int(cli.main(argv, prog_name="mlci", standalone_mode=False) or ExitCode.OK)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return ExitCode.INVALID
    except click.ClickException as error:
        from mlci import escape

        error.message = escape.text(error.message)  # type: ignore[misc]  # it may quote the command line as it is
        error.show()
        return ExitCode.INVALID
    except (click.Abort, KeyboardInterrupt):
        click.echo("mlci: interrupted", err=True)
        return ExitCode.INTERRUPTED
    except SystemExit:
        if sys.stdout is stdout:
            raise
        # click has put another stream in its place: the reader of our output left (`mlci list | head`)
        return ExitCode.OK
    except MlciError as error:
        from mlci.cli.console import show_error

        if debug:
            _traceback()
        show_error(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  # the last resort: a bug becomes an issue text
        from mlci.cli.bug import output_is_full, report_bug

        if debug:
            _traceback()
        if output_is_full(error):
            click.echo(f"error[outside]: the output cannot be written: {error}", err=True)
            return ExitCode.OUTSIDE
        report_bug(error, argv)
        return ExitCode.BUG


def _traceback() -> None:
    import traceback

    traceback.print_exc()
