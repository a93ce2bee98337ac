"""What becomes of a file after it was read: done, failed, or another look later."""

from __future__ import annotations

from dataclasses import dataclass

from docproc.errors import FAILURES, FLAGS, RETRIED
from docproc.records.watched import Outcome, State
from docproc.types import Document

CUT_SHORT = frozenset({"damaged", "empty", "not-a-document", "no-pages"})
"""Failures that a file shows while it is still being copied."""
CUT_SHORT_FLAGS = frozenset({"repaired", "damaged-picture"})
LOOKS = 4
"""A file that looks cut short is looked at so often; if nothing changed in between, the outcome stands."""
TRIES = 5
"""A failure that another try may mend is tried so often."""
OUTSIDE = frozenset({"no-access", "no-room"})
"""Failures of the surroundings, not of the file: it waits for as long as they last."""
LONGEST_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file came to; `wait` is how long to leave it alone if it is `waiting`, in seconds."""

    state: State
    code: str | None = None
    detail: str = ""
    wait: float = 0.0


def judge(document: Document, outcome: Outcome, attempts: int, settle: float) -> Verdict:
    """The verdict on a file that was read to the end, this being the attempt of that number."""
    if document.skipped is not None:
        return Verdict("skipped", None, document.skipped)
    failures = [(failure.code, failure.detail) for failure in outcome.failures]
    if document.failure is not None:
        failures = [(document.failure.code, document.failure.detail)]
    cut = [(code, detail) for code, detail in failures if code in CUT_SHORT]
    cut += [(flag, "") for _, flag in outcome.flags if flag in CUT_SHORT_FLAGS]
    outside = [(code, detail) for code, detail in failures if code in OUTSIDE]
    again = [(code, detail) for code, detail in failures if code in RETRIED]
    for reasons, most in ((outside, attempts + 1), (cut, LOOKS), (again, TRIES)):
        if reasons and attempts < most:
            return Verdict("waiting", *reasons[0], back_off(settle, attempts))
    return Verdict("failed", *failures[0]) if failures else Verdict("done")


def back_off(settle: float, attempts: int) -> float:
    """How long to wait after so many attempts, in seconds."""
    return float(min(LONGEST_WAIT, max(settle, 1.0) * 2.0 ** min(attempts, 20)))


def explain(code: str) -> tuple[str, str]:
    """What a failure or flag means, and its remedy."""
    name = code.partition("=")[0]
    return FAILURES.get(name) or FLAGS.get(name) or ("unknown reason", "please report it")
