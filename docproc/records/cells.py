"""Text as it stands in a CSV cell: safe to open in a spreadsheet, and still to be told back exactly."""

from __future__ import annotations

import os
import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")
_RUN = re.compile(r"([0-9]+)")


def show_text(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: such text gets one apostrophe in front.

    To undo it, take one apostrophe off any cell that begins with apostrophes followed by one of = + - @, their
    full-width forms, tab or line break. Plain numbers stay as they are.
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def show_source(path: bytes) -> str:
    r"""A path as text: bytes that are no UTF-8 as \xNN, and only in such a path a backslash as two."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        return path.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def order_naturally(path: bytes) -> tuple[tuple[tuple[tuple[str, int, str], ...], ...], bytes]:
    """Sort key of a path: folder by folder, scan2 before scan10, case aside; the bytes settle ties."""
    text = os.fsdecode(path).replace("\\", "/")
    return tuple(_pieces(part) for part in text.split("/")), path


def _pieces(text: str) -> tuple[tuple[str, int, str], ...]:
    """Letters and numbers by turns; a number sorts by its length without zeros, then digit by digit."""
    turns = _RUN.split(text.casefold())
    numbers = [number.lstrip("0") for number in turns[1::2]] + [""]
    return tuple((letters, len(n), n) for letters, n in zip(turns[::2], numbers, strict=True))
