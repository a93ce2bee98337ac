"""The results as a file that is whole at any moment, written anew only so often that it costs little."""

from __future__ import annotations

from collections.abc import Callable

SHARE = 20.0
"""A table is written again only after so many times as long as writing it took: at most 5 % of the time."""


class Table:
    """Writes the results when they have changed, in its own measure; `write` writes them, `clock` never goes back."""

    def __init__(self, write: Callable[[], object], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._changed = False
        self._next = float("-inf")

    def change(self) -> None:
        """Say that the ledger holds more than the file."""
        self._changed = True

    def due(self) -> float | None:
        """When it is to be written, None if nothing has changed."""
        return self._next if self._changed else None

    def settle(self) -> None:
        """Write it if it has changed and its moment has come. Raises LedgerError."""
        if self._changed and self._clock() >= self._next:
            self.finish()

    def finish(self) -> None:
        """Write it now."""
        start = self._clock()
        self._next = start + 1.0  # should the writing fail
        self._write()
        end = self._clock()
        self._changed = False
        self._next = end + SHARE * (end - start)
