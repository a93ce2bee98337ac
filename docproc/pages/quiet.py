"""Silence for libraries that speak past Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


@contextmanager
def muted() -> Iterator[None]:
    """Keep native libraries off stderr: libtiff prints a line for each odd tag and bad row, qpdf for odd trees."""
    kept = _redirect()
    try:
        yield
    finally:
        if kept is not None:
            os.dup2(kept, STDERR)
            os.close(kept)


def _redirect() -> int | None:
    """Send stderr nowhere; a handle to what it was, or None where nobody listens or no handle is left."""
    try:
        kept = os.dup(STDERR)
    except OSError:
        return None
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(kept)
        return None
    os.dup2(silence, STDERR)
    os.close(silence)
    return kept
