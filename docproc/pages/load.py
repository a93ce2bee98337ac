"""A ticket to its page: the one door through which pages come in."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.images import read_image
from docproc.pages.kinds import HEAD, sniff
from docproc.pages.opening import open_file
from docproc.pages.pdf import read_pdf_page
from docproc.pages.quiet import muted
from docproc.pages.troubles import name_trouble
from docproc.types import Page, PageRef


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
        with muted():
            if kind == "pdf":
                return read_pdf_page(data, ref, options)
            return read_image(data, kind, ref, max_megapixels=options.max_megapixels, strip=options.strips)
    except PageError:
        raise
    except MemoryError as error:
        raise PageError("memory") from error
    except Exception as error:  # a bug here may cost a page, never the run
        raise PageError("bug", f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=1)
def _read(source: str, digest: str) -> bytes:
    """The bytes of the last document stay, so that its 500 pages cost one reading."""
    try:
        with open_file(source) as file:
            data = file.read()
    except (OSError, ValueError) as error:
        raise name_trouble(error) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise PageError("changed")
    return data
