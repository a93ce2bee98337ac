"""A folder of our own for temporary files: gone when a run ends, and swept by the next where it could not be."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from docproc.errors import LedgerError

PREFIX = "docproc-"
LOCK = "lock"


@contextmanager
def open_scratch() -> Iterator[Path]:
    """Let this process and those that it starts keep temporary files in one new folder.

    What renders PDFs writes copies of pages there, and a worker that is ended leaves its copies behind. Raises
    LedgerError where no such folder can be made.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    try:
        place = Path(tempfile.gettempdir())
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    except OSError as error:
        raise LedgerError(
            f"cannot keep temporary files: {error.strerror or error}; free some space, or set TMPDIR to another folder"
        ) from error
    lock = _lock(folder)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Mark the folder as in use for as long as this process lives; None where the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    # The lock is held before it has its name, so that nobody who finds it can take the folder for one left behind.
    unnamed = folder / f"{LOCK}.new"
    handle = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    unnamed.rename(folder / LOCK)
    return handle


def _sweep(place: Path) -> None:
    """Remove the folders of runs that were killed."""
    try:
        import fcntl
    except ImportError:
        return
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
