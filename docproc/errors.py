"""What can go wrong, and what to do next.

    DocprocError                 1  a bug
    ├── UsageError               2  the command line
    ├── InputError               3  nothing readable in the input
    ├── OptionsError             4  options or form
    ├── ModelError               5  weights
    ├── LedgerError              6  ledger or output
    └── WorkerError              7  workers or cluster

Exit codes are an API: `docs/errors.md` repeats them with remedies, and a test holds the two together.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from enum import IntEnum

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Numbers of the system for a disk, a quota or a file that is full."""


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    OPTIONS = 4
    MODEL = 5
    LEDGER = 6
    WORKERS = 7
    SOME_FAILED = 8
    NOT_ALIVE = 9
    INTERRUPTED = 130


class DocprocError(Exception):
    """An invocation that cannot go on. The message ends with what to do."""

    code = Exit.BUG


class UsageError(DocprocError):
    code = Exit.USAGE


class InputError(DocprocError):
    code = Exit.INPUT


class OptionsError(DocprocError):
    code = Exit.OPTIONS


class ModelError(DocprocError):
    code = Exit.MODEL


class LedgerError(DocprocError):
    code = Exit.LEDGER


class WorkerError(DocprocError):
    code = Exit.WORKERS


class PageError(Exception):
    """A page or file that cannot be read; becomes a `Failure`. `code` is a key of `FAILURES`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


FAILURES: dict[str, tuple[str, str]] = {
    "gone": ("the file was moved or deleted before it was read", "put it back and run again"),
    "no-access": ("the file may not be read", "check its permissions and run again"),
    "changed": ("the file changed while it was being read", "wait until it is complete and run again"),
    "empty": ("the file has no bytes", "scan or copy it again"),
    "not-a-document": ("the content is not what the name says", "open it in a viewer and export it as PDF or PNG"),
    "damaged": ("the picture data is damaged or cut short", "scan or copy it again"),
    "encrypted": ("the PDF needs a password", "give it with --password-file, or save the PDF without one"),
    "no-pages": ("the document has no pages", "export it again"),
    "too-large": ("the page is larger than the limit", "raise max_megapixels, or scan at a lower resolution"),
    "too-many-pages": ("the document has more pages than the limit", "raise max_pages, or split it"),
    "timeout": ("the page took longer than the limit", "raise page_seconds, or print the page to a new PDF"),
    "crash": ("the page crashed its worker twice", "print the page to a new PDF or PNG"),
    "no-room": ("the system had no space or no file handles left", "free space or close programs, and run again"),
    "memory": ("the page needs more memory than the limit", "raise worker_megabytes, or scan at a lower resolution"),
    "unsupported": ("this kind of file needs an extra that is not installed", "see the message for the extra"),
    "not-this-form": ("the page does not lie on the form, so nothing was read", "give its form with --form, or rescan"),
    "bug": ("docproc failed on this page", "please report it with the page, if you may"),
}
"""Failure codes: what each means, and its remedy."""

RETRIED = frozenset({"gone", "no-access", "changed", "timeout", "crash", "no-room", "memory", "unsupported", "bug"})
"""Failures that the next run tries again; the others stay until the bytes or the recipe change."""

FLAGS: dict[str, tuple[str, str]] = {
    "low-confidence": ("the reading is less sure than --max-error allows", "compare value and picture"),
    "not-a-digit": ("some ink in the field is no digit", "look whether it belongs to the value"),
    "touching": ("digits touch and were cut apart", "compare value and picture"),
    "illegible": ("no reading of the ink is likely", "key the value from the picture"),
    "faint": ("the field looks blank but holds marks too faint to read", "look; scan it darker if they are digits"),
    "struck-out": ("digits seem to be struck out", "key what was meant, or nothing"),
    "overwritten": ("a digit seems to be written over another", "compare value and picture"),
    "disputed": ("a second reader reads it otherwise", "compare value and picture"),
    "changed-by-rule": ("a rule of the form chose another value than the ink alone", "compare value and picture"),
    "breaks-rule": ("the value breaks a rule of the form", "compare value and picture; the writer may have erred"),
    "missing": ("the form asks for a value and the field is blank", "ask whoever filled it in, or leave it blank"),
    "unclear-point": ("where the decimal point stands is not clear, or none should", "compare value and picture"),
    "ambiguous-date": ("the digits are more than one date or time", "look where the writer parted them"),
    "unclear-mark": ("a place to tick is neither empty nor clearly marked", "look whether it is meant as a mark"),
    "sum-unmet": ("the values do not add up as the form says", "compare all values of the sum with the pictures"),
    "gap": ("a cell between filled cells is empty", "look whether a digit is missing"),
    "outside": ("ink reaches out of the field", "look whether it belongs to the value"),
    "two-rows": ("writing above or below the row that was read was left out", "key the value from the picture"),
    "stray": ("a lone digit stands outside any box or table", "look whether it is print or a mark"),
    "streaked": (
        "a streak of the scanner runs through the field or beside it",
        "key the value from the paper; clean the scanner glass",
    ),
    "cut-off": ("the field lies at an edge where the scan cuts the page off", "key the value from the paper"),
    "repaired": ("the file was damaged and was repaired on opening", "compare the page with its original"),
    "damaged-picture": ("a picture on the page is damaged and may be missing", "compare the page with its original"),
    "blank-render": (
        "the page came out blank though it may not be empty",
        "open it in a viewer; print it to a new PDF",
    ),
    "first-frame": ("the file is animated; its first picture was read", "save the other pictures as files"),
    "resolution-estimated": ("the file gives no credible resolution; it was estimated", "nothing, if the values fit"),
    "low-resolution": ("the writing has too few pixels", "scan the page again at 200 or 300 dots an inch"),
    "blurred": ("the page is out of focus or was moved", "scan or photograph the page again, flat and still"),
    "faint-ink": ("all writing on the page is pale", "scan the page again darker, or with more contrast"),
    "bleed-through": ("writing on the back shines through", "scan the page again with a black sheet behind it"),
    "clipped-edge": ("writing is cut off at an edge of the picture", "lay the page straight and scan all of it again"),
    "streak": ("a thin line runs through the whole scan", "clean the scanner glass there and scan the page again"),
    "double-feed": (
        "the page is longer than a sheet; two may have been drawn in at once",
        "look whether a page is missing; scan the sheets one by one",
    ),
    "no-fields": ("no field with digits was found on the page", "nothing, if the page holds no numbers"),
    "doubted": ("a person found a digit of it wrong among others alike", "key the value from the picture"),
    "two-answers": ("people, or a person and the reading, say two things", "look once more and say which is right"),
    "no-reading": ("a person gave the value; no field is found there any more", "nothing, if the value is on the page"),
}
"""Flags: what each means, and what the person looking should do."""

REVIEWED = frozenset(
    {
        "changed-by-rule",
        "breaks-rule",
        "missing",
        "sum-unmet",
        "unclear-mark",
        "unclear-point",
        "ambiguous-date",
        "low-confidence",
        "not-a-digit",
        "illegible",
        "faint",
        "gap",
        "disputed",
        "struck-out",
        "overwritten",
        "stray",
        "streaked",
        "cut-off",
        "blurred",
        "faint-ink",
        "double-feed",
        "outside",
        "two-rows",
        "repaired",
        "damaged-picture",
        "blank-render",
        "doubted",
        "two-answers",
    }
)
"""Flags that call for a person; the others explain."""


def needs_review(flags: Iterable[str]) -> bool:
    """Whether any flag, with a detail behind = or without, calls for a person."""
    return any(flag.partition("=")[0] in REVIEWED for flag in flags)
