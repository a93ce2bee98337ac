"""What a PDF page paints: is it one picture that covers the page, or is it drawn?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pikepdf
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""float64[3, 3]; row vectors, so `inner @ outer`, as PDF writes them."""

MOST_BYTES = 2_000_000
"""Of content stream; what is longer is a drawing, and not worth its parsing."""
MOST_STEPS = 20_000
DEEPEST = 8
"""Forms within forms."""
SLACK = 0.01
"""Share of the page that a covering picture may miss, or stand out, at each side."""
INVISIBLE_TEXT = 3
PAINTING = frozenset(("S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "INLINE IMAGE"))
SHOWING_TEXT = frozenset(("Tj", "TJ", "'", '"'))
PATH = frozenset(("m", "l", "c", "v", "y", "h", "re"))
FILL_COLOUR = frozenset(("g", "rg", "k", "cs", "sc", "scn"))
BLACK = {("g", (0.0,)), ("rg", (0.0, 0.0, 0.0)), ("k", (0.0, 0.0, 0.0, 1.0))}
HARMLESS_STATE = frozenset(
    (
        "/Type",
        "/LW",
        "/LC",
        "/LJ",
        "/ML",
        "/D",
        "/RI",
        "/OP",
        "/op",
        "/OPM",
        "/Font",
        "/FL",
        "/SM",
        "/SA",
        "/AIS",
        "/TK",
    )
)
HIDDEN_ANNOTATION = 2 | 32
"""Flag bits Hidden and NoView."""


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """One picture painted on a page. `matrix` takes its unit square to the page; `plain`: opaque, whole, unblended."""

    image: pikepdf.Object
    matrix: Matrix
    plain: bool
    black: bool


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a page paints, in order.

    `complete` is False where it could not be followed to its end, `missing` where it names what the file lacks.
    """

    pictures: tuple[Painted, ...]
    paints: bool
    complete: bool
    missing: bool
    sole: Painted | None


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    matrix: Matrix
    plain: bool = True
    black: bool = True
    text_mode: int = 0


@dataclass(slots=True)
class _Walk:
    box: tuple[float, float, float, float]
    steps: int = 0
    has_layers: bool = False
    missing: bool = False
    events: list[Painted | None] = field(default_factory=list)


class _TooLongError(Exception):
    """The content is not worth following to its end."""


def read_content(page: pikepdf.Page, box: tuple[float, float, float, float]) -> Content:
    """Follow what a page paints inside `box` (left, bottom, right, top of the page as shown, in points)."""
    walk = _Walk(box)
    complete = True
    try:
        _follow(page.obj, page.obj, _resources(page.obj), _State(np.eye(3)), walk, 0)
    except (
        _TooLongError,
        pikepdf.PdfError,
        TypeError,
        ValueError,
        AttributeError,
        KeyError,
        IndexError,
        RecursionError,
    ):
        complete = False
    pictures = tuple(event for event in walk.events if event is not None)
    sole = None
    if complete and walk.events and not (walk.has_layers or walk.missing) and not _has_visible_annotations(page.obj):
        last = walk.events[-1]
        # Whatever an opaque covering picture hides does not matter; a stencil hides nothing.
        is_opaque = last is not None and not _is_stencil(last.image)
        if last is not None and last.plain and (is_opaque or (last.black and len(walk.events) == 1)):
            sole = last if _fills(last.matrix, box) else None
    return Content(pictures, bool(walk.events) or not complete, complete, walk.missing, sole)


def corners(matrix: Matrix) -> Matrix:
    """The unit square's corners on the page, float64[4, 2]."""
    return (np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]) @ matrix)[:, :2]


def _follow(owner: Any, stream: Any, resources: Any, state: _State, walk: _Walk, depth: int) -> None:
    if depth > DEEPEST:
        raise _TooLongError
    _check_length(stream)
    stack: list[_State] = []
    path: list[tuple[str, Any]] = []
    clips = False
    for operator, operands in _steps(stream):
        walk.steps += 1
        if walk.steps > MOST_STEPS:
            raise _TooLongError
        if operator == "q":
            stack.append(state)
        elif operator == "Q":
            state = stack.pop() if stack else state
        elif operator == "cm":
            state = replace(state, matrix=_matrix(operands) @ state.matrix)
        elif operator == "gs":
            plain = state.plain and _is_harmless(resources.ExtGState[str(operands[0])])
            state = replace(state, plain=plain)
        elif operator in FILL_COLOUR:
            colour = (operator, tuple(float(value) for value in operands)) if operator in ("g", "rg", "k") else None
            state = replace(state, black=colour in BLACK)
        elif operator == "Tr":
            state = replace(state, text_mode=int(operands[0]))
        elif operator in SHOWING_TEXT and state.text_mode != INVISIBLE_TEXT:
            walk.events.append(None)
        elif operator in ("W", "W*"):
            clips = True
        elif operator in PATH:
            path.append((operator, operands))
        elif operator == "BDC" and str(operands[0]) == "/OC":
            walk.has_layers = True
        elif operator == "Do":
            target = resources.get("/XObject", {}).get(str(operands[0]))
            if target is None:
                walk.missing = True
            else:
                _paint(target, resources, state, walk, depth)
        if operator in PAINTING:
            walk.events.append(None)
        if operator == "n" or operator in PAINTING:
            if clips and not _spares(path, state.matrix, walk.box):
                state = replace(state, plain=False)
            path, clips = [], False


def _paint(target: Any, resources: Any, state: _State, walk: _Walk, depth: int) -> None:
    plain = state.plain and "/OC" not in target
    if target.get("/Subtype") == "/Image":
        plain = plain and not any(key in target for key in ("/SMask", "/Mask"))
        walk.events.append(Painted(target, state.matrix, plain, state.black))
        return
    if target.get("/Subtype") != "/Form":
        walk.events.append(None)
        return
    matrix = state.matrix
    if "/Matrix" in target:
        matrix = _matrix(target.Matrix) @ matrix
    left, bottom, right, top = (float(value) for value in target.BBox)
    plain = plain and _spares([("re", (left, bottom, right - left, top - bottom))], matrix, walk.box)
    inner = _State(matrix, plain, state.black)
    _follow(target, target, target.get("/Resources", resources), inner, walk, depth + 1)


def _steps(stream: Any) -> Iterator[tuple[str, Any]]:
    for step in pikepdf.parse_content_stream(stream):
        yield str(step.operator), step.operands


def _check_length(stream: Any) -> None:
    contents = stream.get("/Contents") if isinstance(stream, pikepdf.Dictionary) else stream
    if contents is None:
        return
    parts = contents if isinstance(contents, pikepdf.Array) else [contents]
    if sum(int(part.get("/Length", 0)) for part in parts) > MOST_BYTES:
        raise _TooLongError


def _resources(page: Any) -> Any:
    """The page's resources, its own or inherited."""
    for _ in range(DEEPEST * 4):
        if "/Resources" in page:
            return page.Resources
        if "/Parent" not in page:
            break
        page = page.Parent
    return pikepdf.Dictionary()


def _matrix(values: Any) -> Matrix:
    a, b, c, d, e, f = (float(value) for value in values)
    return np.array([[a, b, 0], [c, d, 0], [e, f, 1]])


def _is_harmless(state: Any) -> bool:
    """Whether a graphics state leaves a painted picture as it is."""
    for key, value in state.items():
        if key in HARMLESS_STATE:
            continue
        if key in ("/ca", "/CA") and float(value) == 1:
            continue
        if key == "/SMask" and value == pikepdf.Name("/None"):
            continue
        if key == "/BM" and str(value) in ("/Normal", "/Compatible"):
            continue
        if key in ("/BG", "/BG2", "/UCR", "/UCR2", "/HT"):
            continue
        return False
    return True


def _is_stencil(image: Any) -> bool:
    return bool(image.get("/ImageMask", False))


def _spares(path: list[tuple[str, Any]], matrix: Matrix, box: tuple[float, float, float, float]) -> bool:
    """Whether clipping to this path takes nothing from the page."""
    if len(path) != 1 or path[0][0] != "re":
        return False
    x, y, width, height = (float(value) for value in path[0][1])
    placed = np.array([[width, 0, 0], [0, height, 0], [x, y, 1]]) @ matrix
    return _is_upright(placed) and all(gap <= SLACK for gap in _gaps(placed, box))


def _fills(matrix: Matrix, box: tuple[float, float, float, float]) -> bool:
    return _is_upright(matrix) and all(abs(gap) <= SLACK for gap in _gaps(matrix, box))


def _is_upright(matrix: Matrix) -> bool:
    """Whether the picture's sides run along the page's: no slant beyond a thousandth."""
    a, b, c, d = np.abs(matrix[:2, :2]).ravel()
    straight, across = max(a, d), max(b, c)
    return bool(min(straight, across) <= 1e-3 * max(straight, across))


def _gaps(matrix: Matrix, box: tuple[float, float, float, float]) -> tuple[float, ...]:
    """How far the square stays inside the box at each side, as a share of the box; negative where it stands out."""
    left, bottom, right, top = box
    (low_x, low_y), (high_x, high_y) = corners(matrix).min(axis=0), corners(matrix).max(axis=0)
    width, height = right - left, top - bottom
    return (low_x - left) / width, (low_y - bottom) / height, (right - high_x) / width, (top - high_y) / height


def _has_visible_annotations(page: Any) -> bool:
    try:
        for annotation in page.get("/Annots", ()):
            hidden = int(annotation.get("/F", 0)) & HIDDEN_ANNOTATION
            if not hidden and str(annotation.get("/Subtype")) not in ("/Link", "/Popup"):
                return True
    except (TypeError, ValueError, AttributeError, pikepdf.PdfError):
        return True
    return False
