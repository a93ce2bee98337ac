"""Paths to documents: find the files, and take a first look at each."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence

from docproc.errors import InputError, PageError
from docproc.options import Options
from docproc.pages.folders import match, walk
from docproc.pages.images import count_frames
from docproc.pages.kinds import HEAD, claims, describe, sniff
from docproc.pages.opening import open_file
from docproc.pages.pdf import count_pages
from docproc.pages.quiet import muted
from docproc.pages.troubles import name_trouble
from docproc.types import Document, Failure

CHUNK = 1 << 20


def find(inputs: Sequence[str]) -> Iterator[str]:
    """Files, folders and patterns to paths of files as given, in natural order, each once.

    Folders are searched to any depth; links to folders are not followed there, nor names in `folders.IGNORED` taken.
    What cannot be looked at is yielded as well, so that it fails by name. Raises InputError for an input that is not
    there.
    """
    seen: set[str] = set()
    for given in inputs:
        for path in _expand(given):
            if path not in seen:
                seen.add(path)
                yield path


def survey(source: str, options: Options) -> Document:
    """A first look at one file: digest, kind and number of pages, or why there are none; never raises."""
    digest = ""
    try:
        head, digest, data = _read(source)
        kind = sniff(head, source)
        if kind is None:
            return _no_document(source, digest, head)
        with muted():
            pages = _count(data, kind, options)
        if pages == 0:
            return Document(source, digest, 0, Failure("no-pages"))
        if pages > options.max_pages:
            return Document(source, digest, 0, Failure("too-many-pages", f"the limit is {options.max_pages}"))
        return Document(source, digest, pages)
    except (OSError, ValueError) as error:
        trouble = name_trouble(error)
        return Document(source, digest, 0, Failure(trouble.code, trouble.detail))
    except PageError as error:
        return Document(source, digest, 0, Failure(error.code, error.detail))
    except MemoryError:
        return Document(source, digest, 0, Failure("memory"))
    except Exception as error:  # one odd file must not stop the others
        return Document(source, digest, 0, Failure("bug", f"{type(error).__name__}: {error}"))


def _expand(given: str) -> Iterator[str]:
    try:
        mode = os.stat(given).st_mode
    except (OSError, ValueError) as error:
        if os.path.lexists(given):
            raise InputError(f"{given}: cannot be opened; check where it links to and its permissions") from error
        if glob.has_magic(given):
            found = list(match(given))
            if not found:
                raise InputError(
                    f"{given}: no file matches; check the pattern, and quote it if the shell should not expand"
                ) from error
            yield from found
            return
        raise InputError(f"{given}: no such file or folder; check the path") from error
    if stat.S_ISDIR(mode):
        yield from walk(given)
    elif stat.S_ISREG(mode):
        yield given
    else:
        raise InputError(f"{given}: neither a file nor a folder; copy its content to a file first")


def _read(source: str) -> tuple[bytes, str, bytes]:
    """First bytes, digest, and all bytes where the file is a document; read once, from one opening."""
    with open_file(source) as file:
        first = file.read(CHUNK)
        digest = hashlib.sha256(first)
        chunks = [first]
        keeps = sniff(first[:HEAD], source) is not None
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if keeps:
                chunks.append(chunk)
    return first[:HEAD], digest.hexdigest(), b"".join(chunks)


def _no_document(source: str, digest: str, head: bytes) -> Document:
    claimed = claims(source)
    words = describe(head, source)
    if claimed is None:
        return Document(source, digest, 0, skipped=f"no document: {words}")
    if not head:
        return Document(source, digest, 0, Failure("empty"))
    return Document(source, digest, 0, Failure("not-a-document", f"{claimed} by its name, {words} by its content"))


def _count(data: bytes, kind: str, options: Options) -> int:
    if kind == "pdf":
        return count_pages(data, options.passwords)
    if kind == "tiff":
        return count_frames(data, options.max_pages)
    return 1
