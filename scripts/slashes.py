"""How a slash between digits differs from a 1 by its place: `python scripts/slashes.py SETS` prints the weights that
`docproc/assemble/decode.py` has as SLASH, fitted to the strokes of composed fields. SETS holds the training digits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from docproc.assemble.decode import is_large
from docproc.assemble.row import lean_beyond, measure_row
from docproc.fields.locate import locate
from docproc.options import Recipe, load_options
from docproc.recognize.models import load_models
from docproc.recognize.style import settle
from docproc.segment.lattice import Proposal, propose
from docproc.segment.normalize import normalize
from docproc.train import strings
from docproc.train.bank import DRAWN_SHARE, make_bank
from docproc.train.data import load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.train.strings import Strip, clean_strip, compose
from docproc.types import Crops, Probs

FIELDS, SEED = 3000, 7
RATIOS = 0.5
"""Share of the fields with a ratio, so that there are as many slashes as 1s."""
WHOLE = 0.7
"""A piece counts if it is at least this share of its glyph."""
FARTHEST = (-1.0, 1.5)
"""No place or lean counts as farther off: what is, is no part of the row."""
RIDGE = 1e-5


class Found(NamedTuple):
    """A composed field, its pieces, and the crops of its segments."""

    strip: Strip
    proposal: Proposal
    crops: Crops


def find(strip: Strip) -> Found:
    """What docproc makes of a composed field before it classifies."""
    page = clean_strip(strip.gray)
    (field,) = locate(page, strips=True)
    proposal = propose(page, field)
    return Found(strip, proposal, normalize(page.gray, proposal))


def gather_strokes(found: Found, probs: Probs) -> Iterator[tuple[tuple[float, float, float], bool]]:
    """How far each stroke between others stands out above and below and leans, and whether it is a slash or a 1."""
    strip, proposal, _ = found
    segments, box = proposal.lattice.segments, proposal.lattice.field.box
    row = measure_row(segments, probs)
    owner, sizes = strip.owner[box.y : box.bottom, box.x : box.right], np.bincount(strip.owner.ravel())
    for segment, lean in zip(segments, lean_beyond(segments, probs, row).tolist(), strict=True):
        between = 0 < segment.start == segment.stop - 1 < proposal.lattice.nodes - 2
        owners = np.bincount(owner[proposal.labels == segment.start + 1])[1:]
        if not between or not owners.any() or not is_large(segment, row.height):
            continue
        glyph = int(owners.argmax())
        slash = strip.names[glyph] == "/"
        if owners[glyph] >= WHOLE * sizes[glyph + 1] and (slash or strip.labels[glyph] == 1):
            yield (-row.sinks(segment.box), -row.floats(segment.box), lean), slash


def fit(places: NDArray[np.float64], slash: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights and offset of a logistic regression: float64[4]."""

    def loss(weights: NDArray[np.float64]) -> float:
        score = places @ weights[:-1] + weights[-1]
        return float((np.logaddexp(0, score) - slash * score).mean() + RIDGE * (weights[:-1] ** 2).sum())

    return np.asarray(minimize(loss, np.zeros(4)).x)


def main(sets: Path) -> None:
    """Compose fields, find their strokes, print the weights and what they tell apart."""
    strings.RATIO_SHARE = RATIOS
    models, options = load_models(None, "cpu"), load_options(strips=True)
    recipe = Recipe(options, models.digest, models.calibration)
    glyphs = (*load_glyphs(sets, held_out=False), *printed_glyphs(digits=True))
    bank = make_bank(glyphs, printed_glyphs(digits=False), DRAWN_SHARE)
    rng = np.random.default_rng(SEED)
    fields = [find(compose(rng, bank)) for _ in range(FIELDS)]
    probs = settle(models.classifier.classify(np.concatenate([found.crops for found in fields])), recipe)
    parts = np.split(probs, np.cumsum([len(found.crops) for found in fields])[:-1])
    strokes = [stroke for found, part in zip(fields, parts, strict=True) for stroke in gather_strokes(found, part)]
    places = np.clip(np.array([place for place, _ in strokes]), *FARTHEST)
    slash = np.array([is_slash for _, is_slash in strokes])
    weights = fit(places, slash)
    wrong = (places @ weights[:-1] + weights[-1] > 0) != slash
    print(f"{slash.sum()} slashes and {(~slash).sum()} 1s, {wrong.mean():.1%} told wrong by", *weights.round(1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
