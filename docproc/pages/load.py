"""A ticket to its page: the one door through which pages come in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.images import read_image
from docproc.pages.kinds import HEAD, sniff
from docproc.pages.pdf import read_pdf_page
from docproc.types import Page, PageRef

STDERR = 2


def load(ref: PageRef, options: Options) -> Page:
    """The page of a ticket, decoded whole; raises PageError and nothing else.

    The bytes must still be those that were surveyed. PDF readers may hang or crash on hostile files: call it in a
    process that can be ended.
    """
    try:
        data = _read(ref.source, ref.digest)
        kind = sniff(data[:HEAD], ref.source)
        if kind is None:
            raise PageError("not-a-document")
        with _muted():
            if kind == "pdf":
                return read_pdf_page(data, ref, options)
            return read_image(data, kind, ref, max_megapixels=options.max_megapixels, strip=options.strips)
    except PageError:
        raise
    except MemoryError as error:
        raise PageError("memory") from error
    except Exception as error:  # a bug here may cost a page, never the run
        raise PageError("bug", f"{type(error).__name__}: {error}") from error


@contextmanager
def _muted() -> Iterator[None]:
    """Keeps native libraries off stderr: libtiff prints a line for each odd tag and each bad row."""
    try:
        kept = os.dup(STDERR)
    except OSError:  # nobody listens
        yield
        return
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(silence)


@lru_cache(maxsize=1)
def _read(source: str, digest: str) -> bytes:
    """The bytes of the last document stay, so that its 500 pages cost one reading."""
    try:
        with open(source, "rb") as file:
            data = file.read()
    except FileNotFoundError as error:
        raise PageError("gone") from error
    except (OSError, ValueError) as error:
        raise PageError("no-access", str(getattr(error, "strerror", None) or error)) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise PageError("changed")
    return data
