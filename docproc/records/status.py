"""Where things stand: counts, the queue, troubles and signs of life, asked of the ledger beside whoever reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from docproc.records.about import find_about, tell_differences, tell_recipe
from docproc.records.answered import weigh
from docproc.records.cells import show_source
from docproc.records.ledger import Ledger, at_one_moment, find_key, last_run, speaking
from docproc.records.strips import count_plain

SHOWN = 20
"""Files of the queue and troubles that are named; the counts are of all."""

STOPPED = "stopped"
"""What a process does that left its last sign of life in good order."""


@dataclass(frozen=True, slots=True)
class Files:
    """Every file in one state: read whole, failed or with a failed page, not read yet, no document, or `stale`."""

    done: int
    failed: int
    waiting: int
    skipped: int
    stale: int


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of the files under the last run's recipe; a file that would not open counts as one that failed."""

    read: int
    failed: int
    left: int


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields by status, a person's word before the reading; how many are to be looked at, and how many were settled."""

    values: int
    blank: int
    unreadable: int
    to_look_at: int
    looked_at: int


@dataclass(frozen=True, slots=True)
class Stale:
    """Files whose rows stand under another recipe than the last run's, and what sets it apart."""

    recipe: str
    files: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queued:
    """A file of a watched folder that waits, why, and how often it was tried."""

    source: str
    code: str | None
    detail: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A page, or with number 0 a file, that could not be read; `at` is when, in UTC, where that is known."""

    source: str
    page: int
    code: str
    detail: str
    at: str | None


@dataclass(frozen=True, slots=True)
class Heart:
    """The last sign of life of a process that watches."""

    process: int
    host: str
    seconds_ago: int
    doing: str
    waiting: int
    pages: int
    seconds: float
    error: str

    def is_alive(self, seconds: float) -> bool:
        """Whether it was given no longer ago, and was not the last of a process that ended as asked."""
        return self.doing != STOPPED and self.seconds_ago <= seconds


@dataclass(frozen=True, slots=True)
class Strips:
    """Pictures of fields that are kept, how many bytes they are, and the key they are encrypted with, if any."""

    kept: int
    bytes: int
    plain: int
    key: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """How the results stand under the recipe of the run that began last."""

    recipe: str
    made_with: str
    layout: str
    began: str
    process: int
    host: str
    files: Files
    pages: Pages
    fields: Fields
    pages_per_second: float | None
    stale: tuple[Stale, ...]
    queue: tuple[Queued, ...]
    troubles: tuple[Trouble, ...]
    heart: Heart | None
    strips: Strips


class _File(NamedTuple):
    waiting: bool
    failed: bool
    pages: int
    read: int
    lost: int


_STANDING = """
    WITH standing AS (
        SELECT s.path, s.digest, coalesce(d.failure, s.failure) AS failure, coalesce(d.pages, 0) AS pages,
            iif(d.failure IS NULL, s.detail, d.detail) AS detail
        FROM sources s LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = ?1
        WHERE d.digest IS NOT NULL OR (s.digest = '' AND s.recipe = ?1)
    ), under AS (
        SELECT s.path, p.id, p.number, p.failure, p.detail, p.at FROM standing s
        JOIN pages p ON p.digest = s.digest AND p.recipe = ?1 AND p.number BETWEEN 1 AND s.pages
        WHERE s.failure IS NULL
    )
"""
"""Sources with rows under a recipe, and their pages."""


def take_status(ledger: Ledger) -> Status:
    """All of it, as the ledger stands at one moment; raises LedgerError where no run is noted."""
    with at_one_moment(ledger):
        return _take(ledger)


def find_heart(ledger: Ledger) -> Heart | None:
    """The latest sign of life of any process that watches."""
    with speaking(ledger.name):
        row = ledger.connection.execute(
            "SELECT r.process, r.host, max(0, CAST(strftime('%s', 'now') AS INTEGER)"
            " - CAST(strftime('%s', b.at) AS INTEGER)), b.doing, b.waiting, b.pages, b.seconds, b.error"
            " FROM beats b JOIN runs r ON r.id = b.run ORDER BY b.at DESC, b.run DESC LIMIT 1"
        ).fetchone()
    return None if row is None else Heart(*row)


def _take(ledger: Ledger) -> Status:
    run = last_run(ledger)
    ask = ledger.connection.execute
    began, process, host = ask("SELECT started, process, host FROM runs WHERE id = ?", (run.number,)).fetchone()
    files = [_File(*row) for row in _ask_files(ledger, run.recipe)]
    stale = _find_stale(ledger, run.recipe)
    heart = find_heart(ledger)
    counted = weigh(ledger, run.recipe, f"{_STANDING} SELECT id FROM under", run.recipe)
    return Status(
        recipe=run.recipe,
        made_with=tell_recipe(find_about(ledger, run.recipe)),
        layout=run.layout,
        began=began,
        process=process,
        host=host,
        files=_count_files(ledger, files, sum(group.files for group in stale)),
        pages=Pages(
            read=sum(file.read for file in files),
            failed=sum(1 if file.failed else file.lost for file in files if not file.waiting),
            # what failed of a file that waits is tried again
            left=sum(file.pages - file.read - file.lost * (not file.waiting) for file in files if not file.failed),
        ),
        fields=Fields(
            values=counted.statuses.get("value", 0),
            blank=counted.statuses.get("blank", 0),
            unreadable=counted.statuses.get("unreadable", 0),
            to_look_at=counted.to_look_at,
            looked_at=counted.looked_at,
        ),
        pages_per_second=_measure_speed(ledger, run.recipe, run.number),
        stale=stale,
        queue=_list_queue(ledger),
        troubles=_list_troubles(ledger, run.recipe),
        heart=heart,
        strips=_count_strips(ledger),
    )


def _ask_files(ledger: Ledger, recipe: str) -> list[tuple[bool, bool, int, int, int]]:
    """Of each source: whether it waits in a watched folder, whether it would not open, its pages, read, failed."""
    return ledger.connection.execute(
        f"{_STANDING} SELECT s.path IN (SELECT path FROM watched WHERE state = 'waiting'), s.failure IS NOT NULL,"
        " s.pages, count(u.id) FILTER (WHERE u.failure IS NULL),"
        " count(u.failure) FROM standing s LEFT JOIN under u ON u.path = s.path"
        " GROUP BY s.path",
        (recipe,),
    ).fetchall()


def _count_files(ledger: Ledger, files: list[_File], stale: int) -> Files:
    files = [file for file in files if not file.waiting]
    failed = sum(file.failed or file.lost > 0 for file in files)
    left = sum(not file.failed and not file.lost and file.read < file.pages for file in files)
    waiting, skipped = ledger.connection.execute(
        "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'skipped') FROM watched"
    ).fetchone()
    return Files(len(files) - failed - left, failed, left + waiting, skipped, stale)


def _find_stale(ledger: Ledger, recipe: str) -> tuple[Stale, ...]:
    groups = ledger.connection.execute(
        "SELECT s.recipe, count(*) FROM sources s WHERE s.recipe <> ?1 AND NOT EXISTS"
        " (SELECT 1 FROM documents d WHERE d.digest = s.digest AND d.recipe = ?1) GROUP BY s.recipe ORDER BY 2 DESC, 1",
        (recipe,),
    ).fetchall()
    now = find_about(ledger, recipe)
    return tuple(Stale(old, count, tell_differences(find_about(ledger, old), now)) for old, count in groups)


def _list_queue(ledger: Ledger) -> tuple[Queued, ...]:
    rows = ledger.connection.execute(
        "SELECT path, code, detail, attempts FROM watched WHERE state = 'waiting' ORDER BY at, path LIMIT ?", (SHOWN,)
    )
    return tuple(Queued(show_source(path), *rest) for path, *rest in rows)


def _list_troubles(ledger: Ledger, recipe: str) -> tuple[Trouble, ...]:
    """The latest first, without files that wait; when a file would not open only a watched folder knows."""
    rows = ledger.connection.execute(
        f"{_STANDING} SELECT * FROM (SELECT path, number, failure, detail, at FROM under WHERE failure IS NOT NULL"
        " UNION ALL SELECT s.path, 0, s.failure, s.detail, w.at FROM standing s LEFT JOIN watched w ON w.path = s.path"
        " WHERE s.failure IS NOT NULL) WHERE path NOT IN (SELECT path FROM watched WHERE state = 'waiting')"
        " ORDER BY 5 DESC, 1, 2 LIMIT ?2",
        (recipe, SHOWN),
    )
    return tuple(Trouble(show_source(path), *rest) for path, *rest in rows)


def _measure_speed(ledger: Ledger, recipe: str, run: int) -> float | None:
    """Pages a second of a watcher while it reads, or of the last run from its begin to its last page."""
    pages, seconds = (
        ledger.connection.execute("SELECT pages, seconds FROM beats WHERE run = ?", (run,)).fetchone()
        or ledger.connection.execute(
            "SELECT count(*), strftime('%s', max(p.at)) - strftime('%s', r.started) FROM runs r"
            " JOIN pages p ON p.recipe = ? AND p.at >= r.started WHERE r.id = ?",
            (recipe, run),
        ).fetchone()
    )
    return pages / seconds if pages and seconds else None


def _count_strips(ledger: Ledger) -> Strips:
    kept, size = ledger.connection.execute(
        "SELECT count(*), coalesce(sum(length(strip)), 0) FROM readings WHERE length(strip) > 0"
    ).fetchone()
    key = find_key(ledger)
    return Strips(kept, size, kept if key is None else count_plain(ledger), key)
