"""``python -m mlci`` is the ``mlci`` command."""

from mlci.cli.main import run

if __name__ == "__main__":
    run()
