"""The nouns that travel between the rooms. They hold; nothing here acts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Gray: TypeAlias = NDArray[np.uint8]
"""uint8[H, W], 0 is black, 255 is white paper."""
Ink: TypeAlias = NDArray[np.bool_]
"""bool[H, W], True where there is ink."""
Crops: TypeAlias = NDArray[np.uint8]
"""uint8[N, 28, 28], ink high: 0 is paper, 255 is full ink."""
Line: TypeAlias = NDArray[np.uint8]
"""uint8[2, 32, W]: a row of writing, its darkness and which of it is ink; W is 0 where there is none."""
Frames: TypeAlias = NDArray[np.float32]
"""float32[T, 13]: chance of each digit, of none, and of a digit that was struck out or overwritten, in each column of
a row; each column sums to 1."""
Probs: TypeAlias = NDArray[np.float32]
"""float32[N, 11]: the chance of each digit 0..9 and, last, of *not a digit*."""
Joint: TypeAlias = NDArray[np.float32]
"""float32[N, 2, 11]: the chance of each style together with each class; each [2, 11] sums to 1."""
Affine: TypeAlias = NDArray[np.float64]
"""float64[2, 3]: (x, y, 1) of one picture to (x, y) of another, in pixels."""
Homography: TypeAlias = NDArray[np.float64]
"""float64[3, 3], its last number 1: (x, y, 1) of one picture to (x, y, 1) of another, in pixels and up to a factor, as
a camera sees a plane. Coordinates are continuous: pixel 0 reaches from 0 to 1."""

NOT_A_DIGIT = 10
"""The eleventh class."""
TAKEN_BACK = {11: "struck-out", 12: "overwritten"}
"""The flags of what else a column of a row may show."""
STYLES = ("american", "european")
"""How people write 1 and 7: a stroke and an uncrossed 7, or a 1 with an upstroke and, mostly, a crossed 7."""

Status = Literal["value", "blank", "unreadable", "failed"]
FieldKind = Literal["strip", "box", "comb", "cell", "line", "place"]
ValueType = Literal["digits", "integer", "decimal", "date", "time", "mark"]
MOST_DIGITS = 40
"""No field of a form holds more."""
FORM_DPI = 300
"""The resolution at which forms are kept, and pages laid on them."""


class Box(NamedTuple):
    """A rectangle in pixels; x to the right, y downward."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column past the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row past the box."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a page or a file has no readings; `code` is a key of `errors.FAILURES`."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One input file after a first look: how many pages, or why there are none.

    Exactly one of three holds: `pages` > 0, `failure` is set, or `skipped` says why the file is no document.
    `source` is the path as given, undecodable bytes kept as surrogate escapes; `digest` is the sha256 of its bytes
    in hex ("" where it could not be read).
    """

    source: str
    digest: str
    pages: int
    failure: Failure | None = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class PageRef:
    """The ticket of a page. Pages count from 1; number 0 is a file that would not open, so even that has a row."""

    source: str
    digest: str
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A stored page, decoded whole, EXIF or PDF rotation applied; `flags` are keys of `errors.FLAGS`.

    `dropped` is the same page in a light in which the colour that its form is printed in is as light as paper; None
    where it is printed in none.
    """

    ref: PageRef
    gray: Gray
    dpi: float
    flags: tuple[str, ...] = ()
    dropped: Gray | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A printed straight line of an upright page, as the box of its ink; of one that is `dropped` with the colour of
    its form only the place is left."""

    box: Box
    horizontal: bool
    dropped: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CleanPage:
    """An upright page: paper evened to white, ink found, rulings taken out of the ink and listed.

    `to_scan` maps pixels of this page to pixels of the stored page. `full_ink` still has the rulings. `lost` is ink
    that went with the colour of the form; None where none was dropped.
    """

    ref: PageRef
    gray: Gray
    ink: Ink
    full_ink: Ink
    rulings: tuple[Ruling, ...]
    dpi: float
    to_scan: Homography
    flags: tuple[str, ...] = ()
    lost: Ink | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field's value must be; the default asks nothing but digits.

    `fewest` and `most` count digits. In `pattern` a # stands for a digit and all else for itself; "" asks none.
    `format` is that of a date or time, such as dd/mm/yy or hh:mm. `minimum` and `maximum` bound a number. `check` names
    a check digit, `values` are the only ones allowed, if there are any. `max_error` stands in for the run's.
    """

    type: ValueType = "digits"
    fewest: int = 0
    most: int = MOST_DIGITS
    pattern: str = ""
    format: str = ""
    minimum: float | None = None
    maximum: float | None = None
    check: str = ""
    values: tuple[str, ...] = ()
    required: bool = False
    max_error: float | None = None


ANY = Rule()
"""The rule of a field without a form."""


@dataclass(frozen=True, slots=True)
class Field:
    """A place on the clean page where a number is expected. `cells` are the single-digit cells of a comb.

    `guide` are marks that are no writing: print that tells what goes into the cells, such as dd/mm/yyyy.
    """

    name: str
    box: Box
    kind: FieldKind
    cells: tuple[Box, ...] = ()
    rule: Rule = ANY
    flags: tuple[str, ...] = ()
    guide: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """A rule between fields: the values of the `parts` add up to that of `whole`."""

    parts: tuple[str, ...]
    whole: str


@dataclass(frozen=True, slots=True)
class FormPage:
    """One page of a form: its reference, and the fields on it in pixels of that at `FORM_DPI`.

    `digest` is that of all else here and stands for it where pages are compared. `picture` is a PNG, uint8[H, W] at
    `FORM_DPI`. On a `blank` reference all ink is print.
    """

    form: str
    number: int
    digest: str
    width: int = field(compare=False)
    height: int = field(compare=False)
    picture: bytes = field(compare=False, repr=False)
    blank: bool = field(compare=False)
    fields: tuple[Field, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of a paper form; `digest` is that of all else here. Pages count from 1 and stand in order."""

    name: str
    digest: str
    pages: tuple[FormPage, ...]
    sums: tuple[Sum, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where a page of a form lies on a scan.

    `to_scan` maps pixels of the form's page to pixels of the stored page. What of the way there no homography tells,
    as where a feeder stretched the paper, is in `bends`: float32[r, c, 2], pixels of the form's page to add before the
    map, at the nodes of an even grid from corner to corner of the form's page. `residual` is how far, in mm on the
    form's paper, print still lies from where it should: the 95th percentile.
    """

    page: FormPage
    to_scan: Homography
    bends: NDArray[np.float32]
    residual: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A candidate digit between two nodes of a lattice; `box` is its ink on the clean page.

    `cut` says that a stroke was cut to make it. `lean` is that of a single piece: how far its ink goes to the right on
    the way up, for each pixel that it goes up; 0 for pieces that were joined.
    """

    start: int
    stop: int
    box: Box
    cut: bool = False
    lean: float = 0.0


@dataclass(frozen=True, slots=True)
class Lattice:
    """Every plausible reading order of a field's ink: segments from node `start` to node `stop`, nodes 0..`nodes`-1.

    Each step from one node to the next has at least one segment, so a path always exists. A field without ink has
    one node and no segment, and so has a place to tick. `darkness` is that of its ink, 0 paper to 1 black; `inked` is
    the share of a place to tick that is ink.
    """

    field: Field
    nodes: int
    segments: tuple[Segment, ...]
    flags: tuple[str, ...] = ()
    darkness: float = 1.0
    inked: float = 0.0


class Place(NamedTuple):
    """Which page of a form a page is, of how many; `residual` is how far its print lies from where it should, in mm."""

    form: str
    number: int
    pages: int
    residual: float


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPage:
    """All that the bottom row of the flow needs of a page; small enough to cross processes.

    `crops[i]` belongs to the i-th segment, counted through all lattices in order. `lines` holds the row and `strips` a
    PNG of each field.
    """

    ref: PageRef
    lattices: tuple[Lattice, ...]
    crops: Crops
    to_scan: Homography
    lines: tuple[Line, ...] = ()
    strips: tuple[bytes, ...] = ()
    flags: tuple[str, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    place: Place | None = None


EVIDENCE = ("posterior", "least", "mean", "skipped", "length", "touching", "small", "faint")
"""What predicts whether a field's text is right: log odds of the text against the others, of its least sure digit and
of its digits on average, given that they are digits; log chance that what was left out is no digit; log of the number
of digits; whether a stroke was cut; how much smaller, as a logarithm, than writing should be; how pale the ink is."""


CHECKED_EVIDENCE = (*EVIDENCE, "clear", "lead", "wavering")
"""For a field that a second reader saw, also: by how much the text's log odds are beyond those of which both are clear;
how far, as a logarithm of their chances for it, the text is ahead of any other, less than 0 where it is behind; log
chance that it errs in the column of which it is least sure."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Evidence for a reading → the chance that it is right, measured on labelled fields: logit(p) = weights ·
    evidence + offset.

    `thresholds` are pairs of an expected error, ascending, and the confidence from which readings were accepted to
    reach it on those fields.
    """

    weights: tuple[float, ...]
    offset: float
    thresholds: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a model's card says of confidence: for fields that one reader saw `alone`, and for those that a second one
    `checked`, namely the one of which `partner` is the digest ("" where none was). `style` is the weight and the offset
    of what one crop says of its page's style."""

    alone: Scale
    checked: Scale
    style: tuple[float, float] = (1.0, 0.0)
    partner: str = ""


NEUTRAL = Calibration(
    Scale((1.0, *(0.0 for _ in EVIDENCE[1:])), 0.0), Scale((1.0, *(0.0 for _ in CHECKED_EVIDENCE[1:])), 0.0)
)
"""Nothing measured: the decoder's own share of the best text."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit of a reading, its box in pixels of the stored page.

    `others` are what else its ink may be, likeliest first: other digits, each with its chance given that it is one, and
    "none" for no digit.
    """

    text: str
    confidence: float
    box: Box
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What one field holds. `confidence` is the chance that `text` is right; `box` is in pixels of the stored page.

    A flag is a key of `errors.FLAGS`, or one with a detail: `changed-by-rule=17381`.
    """

    field: str
    status: Status
    text: str
    confidence: float
    review: bool
    flags: tuple[str, ...]
    box: Box
    digits: tuple[Digit, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    strip: bytes = b""


@dataclass(frozen=True, slots=True)
class PageResult:
    """A page as it enters the ledger: readings, or the failure that stands for them."""

    ref: PageRef
    readings: tuple[Reading, ...]
    flags: tuple[str, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    place: Place | None = None


Reader: TypeAlias = Callable[[Iterable[PageRef]], Iterator[PageResult]]
"""The one seam: a laptop, a pool, a watch folder, a cluster and a test stub are ways to make one."""
