"""The folder that is watched, as it is on disk: which files there are, and whether one is still the same."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatch

from docproc.apps.watch.settle import Sighting
from docproc.pages.folders import IGNORED

REASON = ".reason.txt"
"""What the name of the file that explains a failure ends in."""
UNFINISHED = ("*.part", "*.partial", "*.filepart", "*.crdownload", "*.tmp")
"""Names that programs give to files until the last byte is there."""


def walk(folder: str, refuse: Callable[[str, OSError], None]) -> Iterator[Sighting]:
    """Every regular file in a folder, to any depth; links are not followed, names that are passed over left out.

    `refuse` gets each folder or file that cannot be looked at. Paths begin with `folder` as it is given.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as found:
                entries = [entry for entry in found if not is_passed_over(entry.name)]
        except OSError as error:
            refuse(here, error)
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(os.path.join(here, entry.name))
                elif entry.is_file(follow_symlinks=False):
                    yield Sighting(os.path.join(here, entry.name), make_stamp(entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue
            except OSError as error:
                refuse(entry.path, error)


def sight(path: str) -> Sighting | None:
    """The regular file at a path, None where there is none (any more); raises OSError where that cannot be told."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Sighting(path, make_stamp(found)) if stat.S_ISREG(found.st_mode) else None


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of that name is none of ours: what systems leave behind, what is not finished yet."""
    lower = name.lower()
    return lower.endswith(REASON) or any(fnmatch(lower, pattern.lower()) for pattern in (*IGNORED, *UNFINISHED))


def is_within(relative: str) -> bool:
    """Whether no part of a path inside the folder is passed over."""
    return not any(is_passed_over(part) for part in relative.split(os.sep))


def make_stamp(found: os.stat_result) -> str:
    """What changes when the file does: size, both times, and which file it is. No clock is asked."""
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def is_same(found: os.stat_result, stamp: str) -> bool:
    """Whether a file that was renamed is still the one that was stamped; the renaming itself changes one time."""
    size, modified, _, number = stamp.split(":")
    return (str(found.st_size), str(found.st_mtime_ns), str(found.st_ino)) == (size, modified, number)


def identify(folder: str) -> tuple[int, int] | None:
    """Which folder it is, None where there is none; another drive in the same place is another one."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None
