"""All that the ledger knows of one field: what it was read as, from what, when, with what, and what people said."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from docproc.errors import FAILURES, UsageError
from docproc.records.about import find_about, tell_recipe
from docproc.records.cells import show_source
from docproc.records.corrections import item_of
from docproc.records.items import Item, read_item
from docproc.records.ledger import Ledger, last_run, speaking

NAMED = 5
"""Choices that a message names."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A field, what its page was read with, when (UTC) and by which process, where those are noted.

    `place` is where the file was moved since, None where it was not; `stale` says that the results, as the last run has
    them, are made with another recipe.
    """

    item: Item
    source: str
    place: str | None
    recipe: str
    made_with: str
    at: str | None
    reader: str | None
    seconds: float
    stale: bool


@dataclass(frozen=True, slots=True)
class _Source:
    path: bytes
    digest: str
    recipe: str
    pages: int
    failure: str | None
    detail: str


def gather(ledger: Ledger, source: str, page: int, field: str) -> Evidence:
    """The evidence for a field; `source` may be the end of a path, if no other ends so.

    Raises UsageError where nothing is found, saying what there is instead, and LedgerError where the picture is
    encrypted and the key was not given.
    """
    last = last_run(ledger).recipe
    with speaking(ledger.name):
        found = _find_source(ledger, last, source)
        name = show_source(found.path)
        row = ledger.connection.execute(
            "SELECT id, failure, detail, at, seconds FROM pages WHERE digest = ? AND recipe = ? AND number = ?",
            (found.digest, found.recipe, page),
        ).fetchone()
        if found.failure is not None:
            raise UsageError(f"{name} was not read: {_explain(found.failure, found.detail)}")
        if row is None or page > found.pages:
            raise UsageError(f"{name} has no page {page}, or it was not read yet: it has {found.pages}; name another")
        number, failure, detail, at, seconds = row
        if failure is not None:
            raise UsageError(f"page {page} of {name} was not read: {_explain(failure, detail)}")
        position = _find_position(ledger, number, page, name, field)
        reader = ledger.connection.execute(
            "SELECT process, host, started FROM runs WHERE recipe = ? AND started <= ? ORDER BY id DESC LIMIT 1",
            (found.recipe, at or ""),
        ).fetchone()
        moved = ledger.connection.execute("SELECT place FROM watched WHERE path = ?", (found.path,)).fetchone()
    return Evidence(
        item=read_item(ledger, item_of(number, position)),
        source=name,
        place=show_source(moved[0]) if moved is not None and moved[0] is not None else None,
        recipe=found.recipe,
        made_with=tell_recipe(find_about(ledger, found.recipe)),
        at=at,
        reader=None if reader is None else f"process {reader[0]} on {reader[1]}, begun {reader[2]} UTC",
        seconds=seconds,
        stale=found.recipe != last,
    )


def _find_source(ledger: Ledger, recipe: str, wanted: str) -> _Source:
    """The source that a path or the end of one means, under this recipe or else the one that it was read with."""
    rows = ledger.connection.execute("SELECT path FROM sources ORDER BY path").fetchall()
    asked, shown = os.fsencode(wanted), wanted.encode("utf-8", "backslashreplace")
    paths = [path for (path,) in rows]
    for separators in (None, (b"/", b"\\"), (b"",)):
        matching = [
            path
            for path in paths
            if _ends(path, asked, separators) or _ends(show_source(path).encode(), shown, separators)
        ]
        if len(matching) > 1:
            raise UsageError(f"{wanted} may be {_list(map(show_source, matching))}; write more of the path")
        if matching:
            break
    else:
        names = {os.path.basename(shown): shown for shown in map(show_source, paths)}
        near = [names[name] for name in get_close_matches(os.path.basename(wanted), names, NAMED)]
        meant = f"; do you mean {_list(near)}?" if near else "; name a file as the column source has it"
        raise UsageError(f"the results hold no file {wanted}{meant}")
    path = matching[0]
    row = ledger.connection.execute(
        "SELECT s.path, s.digest, coalesce(d.recipe, s.recipe), coalesce(d.pages, e.pages, 0),"
        " coalesce(s.failure, iif(d.recipe IS NULL, e.failure, d.failure)),"
        " iif(s.failure IS NOT NULL, s.detail, coalesce(d.detail, e.detail, ''))"
        " FROM sources s LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = ?"
        " LEFT JOIN documents e ON e.digest = s.digest AND e.recipe = s.recipe WHERE s.path = ?",
        (recipe, path),
    ).fetchone()
    return _Source(*row)


def _ends(path: bytes, wanted: bytes, separators: tuple[bytes, ...] | None) -> bool:
    """Whether a path is what is wanted or, with separators, ends in one of them and it."""
    if separators is None:
        return path == wanted
    return any(path.endswith(separator + wanted) for separator in separators)


def _find_position(ledger: Ledger, page: int, number: int, source: str, field: str) -> int:
    """Where the field of that name stands on its page; `name#2` is the second of that name, as in wide tables."""
    rows = ledger.connection.execute(
        "SELECT field, position FROM readings WHERE page = ? ORDER BY position", (page,)
    ).fetchall()
    counts: dict[str, int] = {}
    names: dict[str, int] = {}
    for name, position in rows:
        counts[name] = counts.get(name, 0) + 1
        names[name if counts[name] == 1 else f"{name}#{counts[name]}"] = position
    if field not in names:
        near = get_close_matches(field, names, NAMED) or list(names)
        there = f"its {len(names)} fields are such as {_list(near)}" if names else "it has none"
        raise UsageError(f"page {number} of {source} has no field {field}: {there}; name one")
    return names[field]


def _explain(code: str, detail: str) -> str:
    meaning, remedy = FAILURES.get(code, (code, "see the detail"))
    return f"{meaning}{f' ({detail})' if detail else ''}; {remedy}"


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:NAMED]) + (f" and {len(shown) - NAMED} more" if len(shown) > NAMED else "")
