"""Moving a file that was read: never over another, never one that was replaced meanwhile, and never half."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from docproc.apps.watch.inbox import REASON, is_same, sight
from docproc.records.atomic import sync_folder

LONGEST_NAME = 255
"""Bytes of a file's name, on nearly every system."""


def choose_place(root: str, relative: str, taken: Callable[[str], bool]) -> str:
    """Where a file goes under `root`: its sub-folder is kept, and a number is added to a name that is in use."""
    return next(place for place in _spell(os.path.join(root, relative)) if not (os.path.lexists(place) or taken(place)))


def move(path: str, stamp: str, place: str) -> bool:
    """Move the file with this stamp to `place`; False if it is another file by now, which then stays where it was.

    The sub-folder is made. A place that holds the same bytes already was reached by a move that was cut off, and that
    move is finished. Raises OSError where the move is refused; the file is then where it was.
    """
    seen = sight(path)
    if seen is None or seen.stamp != stamp:
        return False
    if _holds_the_same(path, place):
        _take_away(path, stamp)
        return True
    os.makedirs(os.path.dirname(place), exist_ok=True)
    _reserve(place)
    try:
        os.rename(path, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            _release(place)
            raise
        return _copy(path, stamp, place)
    if is_same(os.lstat(place), stamp):
        return True
    _put_back(place, path)
    return False


def write_reason(place: str, text: str) -> None:
    """Write why a file failed beside the place it goes to; raises OSError."""
    folder, name = os.path.split(place)
    os.makedirs(folder, exist_ok=True)
    short = os.fsdecode(os.fsencode(name)[: LONGEST_NAME - len(REASON)])
    with open(os.path.join(folder, short + REASON), "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _spell(place: str) -> Iterator[str]:
    """The place, then the same with numbers from 2."""
    yield place
    stem, suffix = os.path.splitext(place)
    for number in count(2):
        yield f"{stem}-{number}{suffix}"


def _reserve(place: str) -> None:
    """Make the place ours with an empty file, as only one can; one that is left of a former try is ours."""
    try:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        found = os.lstat(place)
        if found.st_size or not stat.S_ISREG(found.st_mode):
            raise


def _release(place: str) -> None:
    with suppress(OSError):
        if os.lstat(place).st_size == 0:
            os.unlink(place)


def _holds_the_same(path: str, place: str) -> bool:
    seen = sight(place)
    return seen is not None and not os.path.samefile(path, place) and filecmp.cmp(path, place, shallow=False)


def _copy(path: str, stamp: str, place: str) -> bool:
    """Across file systems: the whole copy is safe on disk before the file goes."""
    part = _beside(place, "part")
    try:
        with open(path, "rb") as source:
            found = os.fstat(source.fileno())
            if not is_same(found, stamp):
                _release(place)
                return False
            handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with open(handle, "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
        os.chmod(part, stat.S_IMODE(found.st_mode))
        os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.replace(part, place)
        sync_folder(Path(place).parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        _release(place)
        raise
    _take_away(path, stamp)
    return True


def _take_away(path: str, stamp: str) -> None:
    """Remove a file whose copy is safe. It is put aside first: should it be another one by now, it comes back."""
    aside = _beside(path, "moved")
    os.rename(path, aside)
    if is_same(os.lstat(aside), stamp):
        os.unlink(aside)
    else:
        _put_back(aside, path)


def _put_back(here: str, path: str) -> None:
    """Give a file its path again or, if yet another one has that, the next free name beside it."""
    for back in _spell(path):
        try:
            os.close(os.open(back, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        os.rename(here, back)
        return


def _beside(path: str, what: str) -> str:
    """A hidden name in the same folder, which no look at a folder takes for a document."""
    folder, name = os.path.split(path)
    short = os.fsdecode(os.fsencode(name)[: LONGEST_NAME - len(what) - 2])
    return os.path.join(folder, f".{short}.{what}")
