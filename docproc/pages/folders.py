"""Folders and patterns to the paths in them, in natural order; links never lead in circles."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator
from fnmatch import fnmatch

IGNORED = (".*", "Thumbs.db", "ehthumbs.db", "desktop.ini", "@eaDir", "~$*", "__MACOSX", "$RECYCLE.BIN")
"""What systems, synchronizers and office programs leave in folders; every hidden name is among them."""
ANY_DEPTH = "**"


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sorts page2 before page10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def walk(folder: str) -> Iterator[str]:
    """Every file below a folder; what cannot be looked at comes as well."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if path != folder and not _is_folder(path):
            yield path
            continue
        try:
            entries = _list(path)
        except OSError:
            yield path
            continue
        waiting.extend(entry for entry in reversed(entries) if _is_folder(entry) or _may_be_file(entry))


def match(pattern: str) -> Iterator[str]:
    """Every file that a pattern names, and those below the folders it names; `**` stands for folders of any depth.

    Like `walk` it enters no linked folder that it came upon by itself; a part without wildcards may be a link.
    """
    root, rest = os.path.splitdrive(pattern.replace(os.altsep or os.sep, os.sep))
    if rest.startswith(os.sep):
        root += os.sep
    parts = [part for part in rest.split(os.sep) if part]
    is_named = bool(parts) and not glob.has_magic(parts[-1])
    for path in sorted(_match(root, parts), key=natural_key):
        if _is_folder(path) or (is_named and os.path.isdir(path)):
            yield from walk(path)
        elif _may_be_file(path):
            yield path


def _match(place: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        yield place
        return
    first, rest = parts[0], parts[1:]
    if first == ANY_DEPTH:
        for folder in _folders(place):
            yield from _match(folder, rest)
    elif glob.has_magic(first):
        for entry in _look(place):
            if fnmatch(os.path.basename(entry), first) and (not rest or _is_folder(entry)):
                yield from _match(entry, rest)
    else:
        path = os.path.join(place, first)
        if os.path.lexists(path):
            yield from _match(path, rest)


def _folders(place: str) -> Iterator[str]:
    """A folder and all below it."""
    waiting = [place]
    while waiting:
        folder = waiting.pop()
        yield folder
        waiting.extend(entry for entry in _look(folder) if _is_folder(entry))


def _look(folder: str) -> list[str]:
    try:
        return _list(folder)
    except OSError:
        return []


def _list(folder: str) -> list[str]:
    """What lies in a folder ("" for the present one), without what is ignored."""
    names = sorted(os.listdir(folder or os.curdir), key=natural_key)
    return [os.path.join(folder, name) for name in names if not _is_ignored(name)]


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
    return any(fnmatch(name.lower(), pattern.lower()) for pattern in IGNORED)
