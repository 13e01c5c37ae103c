"""mlci: the last mile of a machine-learning model, measured, from a git repository."""

__version__ = "0.1.0"
