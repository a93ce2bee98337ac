"""What a run came to, counted from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from docproc.records.answered import weigh
from docproc.records.ledger import Ledger, Run, speaking

FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page, or with number 0 a file, that has no readings."""

    source: bytes
    number: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over the sources of one run; a file that would not open counts as one failed page.

    `left` pages have no row yet, `empty` ones were read and hold no field. `statuses` counts fields, `failures` pages
    by code; `failed_first` names at most FAILURES_SHOWN pages. `others` are sources that the ledger holds and exports
    though this run did not see them. `flagged` fields are to be looked at, `looked` ones were settled by a person.
    """

    read: int
    failed: int
    left: int
    empty: int
    flagged: int
    statuses: tuple[tuple[str, int], ...]
    failures: tuple[tuple[str, int], ...]
    failed_first: tuple[FailedPage, ...]
    others: int
    looked: int = 0


_LOST = """
    SELECT s.path, coalesce(p.number, 0) AS number, coalesce(s.failure, d.failure, p.failure) AS code,
        iif(s.failure IS NOT NULL, s.detail, iif(d.failure IS NOT NULL, d.detail, p.detail)) AS detail
    FROM sources s
    LEFT JOIN documents d ON d.digest = s.digest AND d.recipe = s.recipe
    LEFT JOIN pages p ON p.digest = d.digest AND p.recipe = d.recipe AND d.failure IS NULL
        AND p.number BETWEEN 1 AND d.pages
    WHERE s.run = ? AND coalesce(s.failure, d.failure, p.failure) IS NOT NULL
"""
_READ = """
    FROM sources s
    JOIN documents d ON d.digest = s.digest AND d.recipe = s.recipe AND d.failure IS NULL
    JOIN pages p ON p.digest = d.digest AND p.recipe = d.recipe AND p.number BETWEEN 1 AND d.pages AND p.failure IS NULL
"""


def tally(ledger: Ledger, run: Run) -> Tally:
    """Count what the run's sources came to."""
    one = (run.number,)
    with speaking(ledger.name):
        ask = ledger.connection.execute
        read, empty = ask(
            "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM readings WHERE page = p.id))"
            f"{_READ} WHERE s.run = ?",
            one,
        ).fetchone()
        counted = weigh(ledger, run.recipe, f"SELECT p.id {_READ} WHERE s.run = ?1", run.number)
        failures = ask(f"SELECT code, count(*) FROM ({_LOST}) GROUP BY code ORDER BY 2 DESC, 1", one).fetchall()
        first = ask(f"{_LOST} ORDER BY s.path, number LIMIT {FAILURES_SHOWN}", one).fetchall()
        left = ask(
            "SELECT coalesce(sum(d.pages - (SELECT count(*) FROM pages p WHERE p.digest = d.digest"
            " AND p.recipe = d.recipe AND p.number BETWEEN 1 AND d.pages)), 0) FROM sources s"
            " JOIN documents d ON d.digest = s.digest AND d.recipe = s.recipe AND d.failure IS NULL WHERE s.run = ?",
            one,
        ).fetchone()[0]
        others = ask(
            "SELECT count(*) FROM sources s WHERE s.run <> ?1 AND ((s.digest = '' AND s.recipe = ?2)"
            " OR EXISTS (SELECT 1 FROM documents d WHERE d.digest = s.digest AND d.recipe = ?2))",
            (run.number, run.recipe),
        ).fetchone()[0]
    return Tally(
        read=read,
        failed=sum(count for _, count in failures),
        left=left,
        empty=empty,
        flagged=counted.to_look_at,
        statuses=tuple(sorted(counted.statuses.items())),
        failures=tuple(failures),
        failed_first=tuple(FailedPage(*row) for row in first),
        others=others,
        looked=counted.looked_at,
    )
