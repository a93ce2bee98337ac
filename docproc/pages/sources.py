"""Paths to documents: find the files, and take a first look at each."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from docproc.errors import InputError, PageError
from docproc.options import Options
from docproc.pages.images import count_frames
from docproc.pages.kinds import HEAD, claims, describe, sniff
from docproc.pages.pdf import count_pages
from docproc.types import Document, Failure

IGNORED = (".*", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "~$*", "__MACOSX", "$RECYCLE.BIN")
"""What systems, synchronizers and office programs leave in folders; every hidden name is among them."""
CHUNK = 1 << 20


def find(inputs: Sequence[str]) -> Iterator[str]:
    """Files, folders and patterns to paths of files as given, in natural order, each once.

    Folders are searched to any depth; links to folders are not followed there, nor names in `IGNORED` taken. What
    cannot be looked at is yielded as well, so that it fails by name. Raises InputError for an input that is not there.
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
        pages = _count(data, kind, options.max_pages)
        if pages == 0:
            return Document(source, digest, 0, Failure("no-pages"))
        if pages > options.max_pages:
            return Document(source, digest, 0, Failure("too-many-pages", f"the limit is {options.max_pages}"))
        return Document(source, digest, pages)
    except FileNotFoundError:
        return Document(source, digest, 0, Failure("gone"))
    except (OSError, ValueError) as error:
        return Document(source, digest, 0, Failure("no-access", str(getattr(error, "strerror", None) or error)))
    except PageError as error:
        return Document(source, digest, 0, Failure(error.code, error.detail))
    except MemoryError:
        return Document(source, digest, 0, Failure("memory"))
    except Exception as error:  # one odd file must not stop the others
        return Document(source, digest, 0, Failure("bug", f"{type(error).__name__}: {error}"))


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sorts page2 before page10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def _expand(given: str) -> Iterator[str]:
    try:
        mode = os.stat(given).st_mode
    except (OSError, ValueError) as error:
        if os.path.lexists(given):
            raise InputError(f"{given}: cannot be opened; check where it links to and its permissions") from error
        if glob.has_magic(given):
            yield from _match(given)
            return
        raise InputError(f"{given}: no such file or folder; check the path") from error
    if stat.S_ISDIR(mode):
        yield from _walk(given)
    elif stat.S_ISREG(mode):
        yield given
    else:
        raise InputError(f"{given}: neither a file nor a folder; copy its content to a file first")


def _match(pattern: str) -> Iterator[str]:
    matches = sorted(glob.glob(pattern, recursive=True), key=natural_key)
    kept = [path for path in matches if not _is_ignored(os.path.basename(os.path.normpath(path)))]
    if not kept:
        raise InputError(f"{pattern}: no file matches; check the pattern, and quote it if the shell should not expand")
    for path in kept:
        if os.path.isdir(path):
            yield from _walk(path)
        elif _may_be_file(path):
            yield path


def _walk(folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if path != folder and not _is_folder(path):
            yield path
            continue
        try:
            names = sorted(os.listdir(path), key=natural_key, reverse=True)
        except OSError:
            yield path
            continue
        inside = (os.path.join(path, name) for name in names if not _is_ignored(name))
        waiting.extend(entry for entry in inside if _is_folder(entry) or _may_be_file(entry))


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _may_be_file(path: str) -> bool:
    """A regular file, or a link to one, or something that cannot be looked at; no folder, fifo, socket or device."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return True


def _is_ignored(name: str) -> bool:
    return name not in (".", "..") and any(fnmatch(name.lower(), pattern.lower()) for pattern in IGNORED)


def _read(source: str) -> tuple[bytes, str, bytes]:
    """First bytes, digest, and all bytes where the file is a document; read once, from one opening."""
    with open(source, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
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


def _count(data: bytes, kind: str, limit: int) -> int:
    if kind == "pdf":
        return count_pages(data)
    if kind == "tiff":
        return count_frames(data, limit)
    return 1
