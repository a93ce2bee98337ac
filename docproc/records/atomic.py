"""Write a file whole or not at all."""

from __future__ import annotations

import glob
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from docproc.errors import NO_SPACE, LedgerError

PART = ".part"


def check_target(path: Path) -> None:
    """Raise LedgerError where a file cannot be put at `path`, before any work is done for it."""
    folder = path.parent
    if path.is_dir():
        raise LedgerError(f"{path} is a folder; name a file in it, such as {path / 'results.csv'}")
    if path.exists() and not path.is_file():
        raise LedgerError(f"{path} is no regular file; choose another --out, or --out - for a pipe")
    if not folder.is_dir():
        raise LedgerError(f"the folder {folder} does not exist; create it, or choose another --out")
    try:
        handle, probe = tempfile.mkstemp(PART, _prefix(path), folder)
    except OSError as error:
        raise LedgerError(f"cannot write to {folder}: {error.strerror}; choose another --out") from error
    os.close(handle)
    os.unlink(probe)


def sweep_parts(path: Path) -> None:
    """Remove what writers of `path` that were killed left behind; call it only while no other may be writing."""
    for part in path.parent.glob(glob.escape(_prefix(path)) + "*" + PART):
        with suppress(OSError):
            part.unlink()


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Let `write` fill a new file and put it in place of `path`; the path it got, should `path` be held open.

    The old file stays as it is until the new one is safe on disk. A new file is
    readable by its owner only; an old one hands on its mode.
    """
    target = Path(os.path.realpath(path))
    part = ""
    try:
        handle, part = tempfile.mkstemp(PART, _prefix(target), target.parent)
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            if target.exists() and hasattr(os, "fchmod"):
                os.fchmod(stream.fileno(), stat.S_IMODE(target.stat().st_mode))
            os.fsync(stream.fileno())
        written = _put(Path(part), target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno in NO_SPACE:
            message = f"the disk is full: {path} is as it was before, and what was read is kept; free space, run again"
        else:
            message = f"cannot write {path}: {error.strerror or error}; mend that and run again, nothing is read twice"
        raise LedgerError(message) from error
    finally:
        if part:
            with suppress(FileNotFoundError):
                os.unlink(part)
    return path if written == target else written


def _put(part: Path, target: Path) -> Path:
    """Rename; where the target may not be replaced (some systems, while it is open), to the next free name."""
    try:
        os.replace(part, target)
        return target
    except PermissionError:
        for number in count(1):
            other = target.with_name(f"{target.stem}.{number}{target.suffix}")
            if not other.exists():
                break
        os.replace(part, other)
        return other


def sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut; not every system lets a folder be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _prefix(path: Path) -> str:
    return f".{path.name}."
