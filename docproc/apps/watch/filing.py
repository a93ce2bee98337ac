"""Files whose outcome stands go where they belong, and the ledger knows it first."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from docproc.apps.terminal import printable
from docproc.apps.watch.handoff import choose_place, move, write_reason
from docproc.apps.watch.verdict import explain
from docproc.records.ledger import Ledger
from docproc.records.watched import Watched, is_taken, note_watched


@dataclass(frozen=True, slots=True)
class Folders:
    """The folder that is watched, and those that files are moved to, None where they stay."""

    inbox: str
    done: str | None = None
    failed: str | None = None

    def goal(self, file: Watched) -> str | None:
        """The folder that a file in its state belongs in, if it is to be moved."""
        return {"done": self.done, "failed": self.failed}.get(file.state)


def file_away(
    ledger: Ledger, folders: Folders, files: Sequence[Watched], refuse: Callable[[str, str], None]
) -> list[Watched]:
    """Move files to where their states send them; those that were moved, as the ledger has them now.

    What cannot be moved stays, is noted with no place, and can be tried again; `refuse` gets the folder and the reason.
    Raises LedgerError.
    """
    planned: list[tuple[Watched, str]] = []
    for file in files:
        goal = folders.goal(file)
        if goal is not None and os.path.isdir(goal):
            planned.append((file, goal))
        elif goal is not None:
            refuse(goal, "the folder is not there")
    placed: list[Watched] = []
    chosen: set[str] = set()
    for file, goal in planned:
        place = file.place or choose_place(
            goal, os.path.relpath(file.path, folders.inbox), lambda path: path in chosen or is_taken(ledger, path)
        )
        chosen.add(place)
        placed.append(replace(file, place=place))
    if placed:
        note_watched(ledger, placed)
    moved, refused = [], []
    for file, (_, goal) in zip(placed, planned, strict=True):
        problem = _carry(file)
        if problem is None:
            moved.append(file)
            continue
        refused.append(replace(file, place=None))
        if problem:
            refuse(goal, problem)
    if refused:
        note_watched(ledger, refused)
    return moved


def _carry(file: Watched) -> str | None:
    """Move one file: None once it is moved, what refused it, or "" if it is another file by now."""
    assert file.place is not None
    try:
        if file.state == "failed":
            write_reason(file.place, _give_reason(file))
        return None if move(file.path, file.stamp, file.place) else ""
    except OSError as error:
        return error.strerror or str(error)


def _give_reason(file: Watched) -> str:
    meaning, remedy = explain(file.code or "")
    lines = [
        f"file:    {printable(file.path)}",
        f"reason:  {file.code}",
        f"meaning: {meaning}",
        *([f"detail:  {printable(file.detail)}"] if file.detail else []),
        f"remedy:  {remedy}",
        f"when:    {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "",
        "To have it tried again, move the file back to where it was; this note may go.",
    ]
    return "\n".join(lines) + "\n"
