"""A writer's hand: digits, words and marks as pen strokes, never twice the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docproc.train.glyphs import DIGITS, LETTERS, RARE, find_shapes, read_shape

Stroke = NDArray[np.float64]
"""float64[n, 2]: a polyline of (x, y), y downward, in digit heights unless said otherwise."""

STEP = 0.02
"""Distance of the points of a stroke, in digit heights: fine enough to look smooth at 100 pixels a digit."""
WORD_GAP = 0.5
"""A blank, in digit heights."""
RARE_SHARE = 0.25
"""How often a writer takes a rare allograph, relative to a common one."""


@dataclass(frozen=True, slots=True)
class Writer:
    """How one person writes. Lengths are in digit heights, `slant` is the lean to the right per height."""

    seed: int
    slant: float
    width: float
    weight: float
    jitter: float
    roundness: float
    spacing: float
    pressure: float
    wobble: float
    steadiness: float
    allographs: tuple[int, ...]

    def allograph(self, character: str) -> int:
        """Which shape of the character this writer uses by habit."""
        return self.allographs[int(character)] if character in DIGITS else 0


def draw_writer(seed: int) -> Writer:
    """A writer from a seed: the same seed is the same hand."""
    rng = np.random.default_rng([seed, 1])
    allographs = []
    for digit, shapes in DIGITS.items():
        share = np.array([RARE_SHARE if (digit, i) in RARE else 1.0 for i in range(len(shapes))])
        allographs.append(int(rng.choice(len(shapes), p=share / share.sum())))
    return Writer(
        seed=seed,
        slant=float(np.clip(rng.normal(0.1, 0.14), -0.25, 0.5)),
        width=float(rng.uniform(0.8, 1.2)),
        weight=float(rng.uniform(0.055, 0.11)),
        jitter=float(rng.uniform(0.012, 0.026)),
        roundness=float(rng.uniform(0.015, 0.06)),
        spacing=float(rng.uniform(0.18, 0.36)),
        pressure=float(rng.uniform(0.05, 0.3)),
        wobble=float(rng.uniform(0.01, 0.05)),
        steadiness=float(rng.uniform(0.85, 1.0)),
        allographs=tuple(allographs),
    )


def digit_strokes(rng: np.random.Generator, digit: int, writer: Writer) -> list[Stroke]:
    """One digit as this writer draws it this time: top near y = 0, baseline near y = 1, left edge at x = 0."""
    return glyph_strokes(rng, str(digit), writer)


def glyph_strokes(rng: np.random.Generator, character: str, writer: Writer) -> list[Stroke]:
    """One character as this writer draws it this time; KeyError for a character that the pen does not know."""
    shapes = find_shapes(character)
    chosen = writer.allograph(character)
    # Even a steady hand sometimes writes another form of the same digit.
    if rng.random() > writer.steadiness and (character, 0) not in RARE:
        chosen = int(rng.integers(min(len(shapes), 3)))
    return shape_strokes(rng, shapes[chosen], writer, np.random.default_rng([writer.seed, ord(character), chosen]))


def shape_strokes(rng: np.random.Generator, shape: str, writer: Writer, habit: np.random.Generator) -> list[Stroke]:
    """One shape as this writer draws it this time; `habit` is how this writer always bends it."""
    strokes = []
    for runs in read_shape(shape):
        pieces: list[Stroke] = []
        for run in runs:
            moved = run + habit.normal(0, writer.jitter * 1.2, run.shape) + rng.normal(0, writer.jitter, run.shape)
            if pieces:
                moved[0] = pieces[-1][-1]
            pieces.append(smooth_run(moved))
        strokes.append(round_corners(np.concatenate(pieces), writer.roundness))
    return lean_strokes(rng, strokes, writer)


def lean_strokes(rng: np.random.Generator, strokes: list[Stroke], writer: Writer) -> list[Stroke]:
    """The strokes widened, slanted and turned a little, left edge at x = 0."""
    turn = rng.normal(0, 0.03)
    lean = writer.slant + rng.normal(0, 0.02)
    wide = writer.width * rng.normal(1, 0.04)
    high = rng.normal(1, 0.03)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[wide, -lean * high], [0, high]]
    foot = np.array([0.3, 1.0])
    leaned = [(stroke - foot) @ matrix.T + foot for stroke in strokes]
    left = min(stroke[:, 0].min() for stroke in leaned)
    return [stroke - [left, 0] for stroke in leaned]


def smooth_run(points: Stroke) -> Stroke:
    """A curve through the points: a centripetal Catmull-Rom spline, which neither loops nor overshoots.

    Barry and Goldman, A recursive evaluation algorithm for a class of Catmull-Rom splines, 1988.
    """
    if len(points) < 3:
        count = max(2, int(np.hypot(*(points[-1] - points[0])) / STEP))
        return np.linspace(points[0], points[-1], count)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    knots = np.concatenate([[0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(padded, axis=0), axis=1)) + 1e-6)])
    pieces = []
    for i in range(1, len(padded) - 2):
        count = max(2, int(np.linalg.norm(padded[i + 1] - padded[i]) / STEP))
        t = np.linspace(knots[i], knots[i + 1], count, endpoint=i == len(padded) - 3)[:, None]
        p, k = padded[i - 1 : i + 3], knots[i - 1 : i + 3]
        a = [mix(p[j], p[j + 1], k[j], k[j + 1], t) for j in range(3)]
        b = [mix(a[j], a[j + 1], k[j], k[j + 2], t) for j in range(2)]
        pieces.append(mix(b[0], b[1], k[1], k[2], t))
    return np.concatenate(pieces)


def mix(a: Stroke, b: Stroke, start: float, stop: float, t: Stroke) -> Stroke:
    """The point between a and b at t, where a stands at start and b at stop."""
    return ((stop - t) * a + (t - start) * b) / (stop - start)


def round_corners(stroke: Stroke, roundness: float) -> Stroke:
    """The stroke as a hurried pen cuts its corners; the ends stay where they are."""
    reach = int(3 * roundness / STEP)
    if reach < 1 or len(stroke) < 5:
        return stroke
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets * STEP / roundness) ** 2)
    kernel /= kernel.sum()
    # Mirroring through the end points keeps the ends in place.
    head = 2 * stroke[0] - stroke[np.minimum(np.arange(reach, 0, -1), len(stroke) - 1)]
    tail = 2 * stroke[-1] - stroke[np.maximum(len(stroke) - 2 - np.arange(reach), 0)]
    padded = np.concatenate([head, stroke, tail])
    return np.stack([np.convolve(padded[:, axis], kernel, mode="valid") for axis in (0, 1)], axis=1)


def text_strokes(rng: np.random.Generator, text: str, writer: Writer) -> list[list[Stroke]]:
    """A line of writing, the strokes of each character apart; a blank is an empty list.

    Starts at x = 0 on a baseline near y = 1; characters that the pen does not know are left out as blanks.
    """
    written: list[list[Stroke]] = []
    at, drift = 0.0, 0.0
    for character in text:
        if character not in DIGITS and character not in LETTERS:
            written.append([])
            at += WORD_GAP * (0.8 + writer.spacing)
            continue
        strokes = glyph_strokes(rng, character, writer)
        drift = 0.7 * drift + rng.normal(0, writer.wobble)
        size = rng.normal(1, 0.04)
        # Spacing is measured between the inks, as writers do, not between the slanted boxes.
        placed = [(stroke - [0, 1]) * size + [at, 1 + drift] for stroke in strokes]
        written.append(placed)
        at = max(stroke[:, 0].max() for stroke in placed)
        at += writer.spacing * rng.uniform(0.6, 1.3) - 0.4 * abs(writer.slant) * (0.5 if character in "1-./" else 0.2)
    return written


def signature_strokes(rng: np.random.Generator, writer: Writer) -> list[Stroke]:
    """A signature: a tall first loop, a hurried wave that names nobody, and often a flourish under it."""
    habit = np.random.default_rng([writer.seed, 2])
    waves = int(habit.integers(4, 10))
    start = np.array([(0.1, 0.9), (0.35, -0.2), (0.75, -0.35), (0.5, 0.6), (0.15, 1.15), (0.5, 1.0)])
    points = [(float(px), float(py)) for px, py in start + habit.normal(0, 0.16, start.shape)]
    x = 0.75
    for i in range(waves):
        tall = 0.9 if habit.random() < 0.25 else habit.uniform(0.2, 0.45)
        fade = 1 - 0.5 * i / waves
        points += [(x, 0.95 - tall * fade), (x + 0.1, 0.95 - tall * fade * 0.8), (x + 0.12, 0.98)]
        x += habit.uniform(0.18, 0.42)
    points += [(x + 0.5, 0.75), (x + 0.9, 0.8)]
    run = np.array(points)
    strokes = [round_corners(smooth_run(run + rng.normal(0, 0.03, run.shape)), 0.03)]
    if habit.random() < 0.5:
        under = np.array([(x + 0.6, 0.9), (x * 0.5, 1.35), (0.3, 1.4), (x * 0.6, 1.25), (x + 0.8, 1.2)])
        strokes.append(smooth_run(under + rng.normal(0, 0.05, under.shape)))
    return lean_strokes(rng, strokes, writer)


def tick_strokes(rng: np.random.Generator, writer: Writer) -> list[Stroke]:
    """A tick, a digit high."""
    run = np.array([(0.05, 0.55), (0.2, 0.7), (0.32, 0.95)])
    up = np.array([(0.32, 0.95), (0.55, 0.45), (0.95, 0.0)])
    down = run + rng.normal(0, 0.03, run.shape)
    up = up + rng.normal(0, 0.03, up.shape)
    up[0] = down[-1]
    return [round_corners(np.concatenate([smooth_run(down), smooth_run(up)]), writer.roundness)]


def cross_strokes(rng: np.random.Generator, writer: Writer) -> list[Stroke]:
    """A cross, a digit high."""
    strokes = []
    for start, stop in (((0.05, 0.05), (0.85, 0.95)), ((0.9, 0.0), (0.05, 0.95))):
        middle = (np.array(start) + stop) / 2 + rng.normal(0, 0.03, 2)
        run = np.array([start, middle, stop]) + rng.normal(0, 0.03, (3, 2))
        strokes.append(round_corners(smooth_run(run), writer.roundness))
    return strokes


def strike_out(rng: np.random.Generator, written: list[Stroke]) -> list[Stroke]:
    """One or two lines that strike the written strokes out."""
    every = np.concatenate(written)
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    height = bottom - top
    lines = []
    for _ in range(int(rng.integers(1, 3))):
        ends = np.array([(left - 0.15 * height, 0.0), ((left + right) / 2, 0.0), (right + 0.15 * height, 0.0)])
        ends[:, 1] = (top + bottom) / 2 + rng.normal(0, 0.12 * height, 3)
        lines.append(smooth_run(ends))
    return lines
