"""The terminal: streams that may not be there, and text of others made fit for it."""

from __future__ import annotations

import os
import sys

from docproc.errors import LedgerError


def open_streams() -> None:
    """Let the standard streams that the caller closed lead nowhere.

    Otherwise the next file to be opened takes a stream's number, and what a library prints goes into a ledger; and
    Python prints to standard output what it finds no standard error for.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def end_output(trouble: OSError | None = None) -> int:
    """Write what standard output still holds; the exit code if there is no room for it, which the message says, or 0.

    `trouble` is what was met before. Whoever closed the pipe has seen enough.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        trouble = trouble or (None if isinstance(error, BrokenPipeError) else error)
    if trouble is None:
        return 0
    print(f"docproc: {trouble.strerror}; make room, or write elsewhere", file=sys.stderr)
    return LedgerError.code


def printable(text: str) -> str:
    """A name that cannot send control codes to a terminal, nor break the line."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in shown)
