"""What is costly is made once, by whoever asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from mlci.errors import MlciError

T = TypeVar("T")


class _Slot:
    """A place for what is made once."""

    __slots__ = ("done", "lock", "made")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.made: object = None


class Once:
    """Things by kind and name. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], _Slot] = {}

    def __call__(self, kind: str, name: str, make: Callable[[], T]) -> T:
        """What ``make`` returns, made by whoever asks first; an error is kept as well, and raised again."""
        with self._lock:
            slot = self._made.setdefault((kind, name), _Slot())
        # a lock for each thing: who reads the training data need not wait for the model that is being loaded
        with slot.lock:
            if not slot.done:
                try:
                    slot.made = make()
                except MlciError as error:
                    slot.made = error
                slot.done = True
        if isinstance(slot.made, MlciError):
            raise slot.made
        return slot.made  # type: ignore[return-value]  # the key's kind decides the type

    def forget(self, kind: str, name: str) -> None:
        with self._lock:
            self._made.pop((kind, name), None)
