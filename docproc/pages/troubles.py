"""What the system refuses, as the failure of a page."""

from __future__ import annotations

import errno

from docproc.errors import PageError

NO_ROOM = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "EAGAIN", "ENOBUFS")
    if hasattr(errno, name)
)
"""The machine is short of something now, and may not be later."""


def name_trouble(error: BaseException) -> PageError:
    """The failure that an error of the system stands for."""
    if isinstance(error, FileNotFoundError):
        return PageError("gone")
    number = getattr(error, "errno", None)
    code = "memory" if number == errno.ENOMEM else "no-room" if number in NO_ROOM else "no-access"
    return PageError(code, str(getattr(error, "strerror", None) or error))
