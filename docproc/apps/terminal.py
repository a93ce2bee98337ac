"""Text of others, made fit for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """A name that cannot send control codes to a terminal, nor break the line."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in shown)
