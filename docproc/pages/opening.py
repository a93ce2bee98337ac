"""Files of others, opened to be read."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO


def open_file(source: str) -> BinaryIO:
    """A regular file, unbuffered; raises OSError for anything else that may have come to stand under its name.

    A fifo with nobody at its other end would otherwise be waited for without end.
    """
    file = open(source, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("not a regular file")
    return file


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
