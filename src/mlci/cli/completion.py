"""``mlci completion``."""

from __future__ import annotations

import click


@click.command(
    "completion",
    epilog="""\b
Examples:
  mlci completion bash >> ~/.bashrc
  mlci completion zsh >> ~/.zshrc
  mlci completion fish > ~/.config/fish/completions/mlci.fish
""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the lines that complete mlci in your shell."""
    lines = {
        "bash": 'eval "$(_MLCI_COMPLETE=bash_source mlci)"',
        "zsh": 'eval "$(_MLCI_COMPLETE=zsh_source mlci)"',
        "fish": "_MLCI_COMPLETE=fish_source mlci | source",
    }
    click.echo(lines[shell])
