"""How the network reads single digits it never saw: `python benchmarks/digits.py DATA --out DIR`.

DATA is the folder of handwriting sets that `docproc train --data` takes. From its writers that never trained, sets are
made in DIR: digits, and what is none (letters, signs, halves of digits, touching pairs); Omniglot has no alphabet that
never trained. They and the two sets that only validate are evaluated, and one table is printed. DIR must lie outside
the checkout: handwriting of others stays out of it.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from docproc.train.data import Glyph, draw_glyph, is_held_out, load_glyphs
from docproc.train.digits import DigitReport, evaluate_digits
from docproc.train.draw_alone import HEIGHTS, PENS, Drawn, draw_alone, find_set, is_other, place, tight, write
from docproc.train.report import render_table, share
from docproc.types import NOT_A_DIGIT, Gray

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
PIECES = 2000
"""Halves, and pairs, that are made."""
HALVES = {0: ("top", "bottom"), 2: ("bottom",), 3: ("left",), 4: ("top",), 5: ("top",)}
"""Halves that are a digit to nobody: a half 8 is a 0 or a 3, half a 9 a 0 or a 1."""
OVERLAP = 0.06
"""How far, in heights, digits of a pair reach into each other once they touch."""
PAGE = "writer:20"
VALIDATE = ("usps_train", "cvl_validate")
HEAD = ("set", "grouped", "digits", "wrong", "rejected", "ece", "at 1 %", "at 0.5 %", "at 0.1 %", "others", "rejected")


def main() -> None:
    """Make the sets and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--model", type=Path, help="weights other than the shipped ones")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    if given.out.resolve().is_relative_to(ROOT):
        sys.exit(f"{given.out} lies in the checkout; choose another --out")
    given.out.mkdir(parents=True, exist_ok=True)
    made = make_sets(given.data, given.out)
    rows: list[tuple[str, ...]] = [HEAD]
    for path in [*made, *(given.data / f"{name}.npz" for name in VALIDATE)]:
        with np.load(path) as file:
            groups = (None, PAGE) if "writer" in file.files else (None,)
        for group in groups:
            report = evaluate_digits(path, None, group=group, model=given.model, device=given.device)
            rows.append(tell(path.stem, report))
    print(render_table(rows))


def tell(name: str, report: DigitReport) -> tuple[str, ...]:
    """One line of the table."""
    reached = (report.acceptable_1, report.acceptable_05, report.acceptable_01)
    figures = [share(figure) for figure in (report.error, report.rejected, report.ece, *reached)]
    return (name, report.group or "-", str(report.n), *figures, str(report.others), share(report.others_rejected))


def make_sets(data: Path, out: Path) -> list[Path]:
    """A file for each kind of what held-out writers left, the same every time."""
    rng = np.random.default_rng(SEED)
    glyphs = load_glyphs(data, held_out=True)
    digits = [glyph for glyph in glyphs if glyph.label != NOT_A_DIGIT and not glyph.stretched]
    others = [glyph for glyph in glyphs if is_other(glyph)]
    unipen = [glyph for glyph in digits if find_set(glyph) == "unipen"]
    paths = [save_mnist(data, out)]
    paths.append(save(out / "unipen-held-out.npz", draw(rng, unipen), unipen))
    for source in ("unipen", "symbols"):
        chosen = [glyph for glyph in others if find_set(glyph) == source]
        paths.append(save(out / f"rejects-{source}.npz", draw(rng, chosen), chosen))
    for name, make in (("halves", draw_half), ("pairs", draw_pair)):
        paths.append(save(out / f"rejects-{name}.npz", draw_pieces(rng, digits, make)))
    return paths


def save(path: Path, images: Gray, glyphs: Sequence[Glyph] = ()) -> Path:
    """Images with the labels and writers of their glyphs; without glyphs they are no digits, by nobody."""
    labels = [glyph.label for glyph in glyphs] or [NOT_A_DIGIT] * len(images)
    known = np.array(labels, np.uint8)
    if (known == NOT_A_DIGIT).all():
        np.savez_compressed(path, x=images, y=known)
    else:
        np.savez_compressed(path, x=images, y=known, writer=np.array([glyph.writer for glyph in glyphs]))
    return path


def save_mnist(data: Path, out: Path) -> Path:
    """MNIST's own images of held-out writers."""
    with np.load(data / "mnist_train.npz", allow_pickle=False) as file:
        chosen = np.array([is_held_out(f"mnist/{writer}") for writer in file["writer"]])
        images, labels, writers = (file[key][chosen] for key in ("x", "y", "writer"))
    path = out / "mnist-held-out.npz"
    np.savez_compressed(path, x=images, y=labels, writer=writers)
    return path


def draw(rng: np.random.Generator, glyphs: Iterable[Glyph]) -> Gray:
    """Each glyph on an image of its own: uint8[n, 64, 64], ink high."""
    return np.array([draw_alone(rng, glyph) for glyph in glyphs], np.uint8)


def draw_pieces(
    rng: np.random.Generator, digits: Sequence[Glyph], make: Callable[[np.random.Generator, Sequence[Glyph]], Drawn]
) -> Gray:
    """Halves or pairs, each made of the digits of one writer; all writers come as often."""
    writers: dict[str, list[Glyph]] = defaultdict(list)
    for glyph in digits:
        writers[glyph.writer].append(glyph)
    hands = [hand for hand in writers.values() if {glyph.label for glyph in hand} & set(HALVES)]
    return np.array([place(rng, make(rng, hands[int(rng.integers(len(hands)))])) for _ in range(PIECES)], np.uint8)


def draw_half(rng: np.random.Generator, hand: Sequence[Glyph]) -> Drawn:
    """A half of a digit, cut near its middle."""
    glyphs = [glyph for glyph in hand if glyph.label in HALVES]
    glyph = glyphs[int(rng.integers(len(glyphs)))]
    ink = write(rng, glyph)
    row, column = (max(1, round(side * rng.uniform(0.45, 0.55))) for side in ink.shape)
    side = str(rng.choice(HALVES[glyph.label]))
    return tight({"top": ink[:row], "bottom": ink[row:], "left": ink[:, :column]}[side])


def draw_pair(rng: np.random.Generator, hand: Sequence[Glyph]) -> Drawn:
    """Two digits of like height, moved together until they touch; a 1 would only thicken the other."""
    wide = [glyph for glyph in hand if glyph.label != 1]
    height = int(rng.integers(*HEIGHTS))
    pen = height * rng.uniform(*PENS)
    left, right = (
        tight(draw_glyph(rng, wide[int(i)], round(height * rng.uniform(0.9, 1.1)), pen))
        for i in rng.integers(len(wide), size=2)
    )
    rows, reach = max(len(left), len(right)), max(1, round(OVERLAP * height))
    ink = np.zeros((rows, left.shape[1] + right.shape[1]), np.float32)
    ink[rows - len(left) :, : left.shape[1]] = left
    second = np.zeros_like(ink)
    second[rows - len(right) :, : right.shape[1]] = right
    shift = next((x for x in range(left.shape[1], 0, -1) if meets(ink, second, x)), 1)
    joined = np.maximum(ink, np.roll(second, max(1, shift - reach), axis=1))
    return tight(joined)


def meets(ink: Drawn, second: Drawn, shift: int) -> bool:
    """Whether ink moved so far to the right overlaps the other."""
    return bool(((ink > 0.5) & (np.roll(second, shift, axis=1) > 0.5)).any())


if __name__ == "__main__":
    main()
