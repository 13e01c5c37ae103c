"""``mlci explain``."""

from __future__ import annotations

import click


def _ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from mlci import registry

    return [name for name in registry.names("checks") if name.startswith(incomplete)]


@click.command(
    "explain",
    epilog="""\b
Examples:
  mlci explain metric
  mlci explain card --format json
""",
)
@click.argument("check", shell_complete=_ids)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def command(check: str, format_: str) -> None:
    """Say what a check looks at, why, and how to fix what it finds."""
    from mlci import registry
    from mlci.cli import console

    module = registry.find("checks", check)
    if format_ == "json":
        console.say_json(
            {
                "check": check,
                "group": module.GROUP,
                "scope": module.SCOPE,
                "text": module.__doc__,
                "options": module.OPTIONS,
            }
        )
        return
    console.say(f"{check}: {(module.__doc__ or '').strip()}\n")
    properties = module.OPTIONS.get("properties", {})
    if properties:
        required = module.OPTIONS.get("required", ())
        console.say("\nOptions:")
        width = max(12, *map(len, properties))
        for name, option in properties.items():
            words = _words(option)
            console.say(f"  {name:{width}} {words}{' (required)' if name in required else ''}")


def _words(option: dict[str, object]) -> str:
    from mlci.schema import DEFS

    reference = str(option.get("$ref", "")).rpartition("/")[2]
    return str(option.get("description") or DEFS.get(reference, {}).get("description", ""))
