"""Where a watcher reads and writes: refused at the start if its results would come back to it as input."""

from __future__ import annotations

import os

from docproc.apps.terminal import printable
from docproc.apps.watch.filing import Folders
from docproc.errors import UsageError
from docproc.flow.job import Job


def check_places(job: Job, folders: Folders) -> None:
    """Raise UsageError where folders are missing or lie in each other; make those that files are moved to."""
    inbox = folders.inbox
    if not os.path.isdir(inbox):
        raise UsageError(f"{printable(inbox)} is no folder; name the folder that scans come into")
    written = {"--out": job.out, "--ledger": job.ledger_path, "--done": folders.done, "--failed": folders.failed}
    for option, path in written.items():
        if path is not None and _is_inside(os.fspath(path), inbox):
            shown = printable(os.fspath(path))
            raise UsageError(f"{option} {shown} lies in the folder that is watched; choose a place outside of it")
    for option, folder in (("--done", folders.done), ("--failed", folders.failed)):
        if folder is None:
            continue
        if _is_inside(inbox, folder):
            raise UsageError(f"the folder that is watched lies in {option} {printable(folder)}; choose another")
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{option} {printable(folder)}: {error.strerror}; choose another folder") from error


def _is_inside(path: str, folder: str) -> bool:
    inner, outer = os.path.realpath(path), os.path.realpath(folder)
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
