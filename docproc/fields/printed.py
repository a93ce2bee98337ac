"""Machine print told from handwriting.

Print sits on common lines: the bottoms and tops of the letters of a line agree to a pixel. And its letters come again:
the same shape in the same size stands elsewhere on the page. Handwriting does neither.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docproc.fields.rows import CHUNK, Floats, Ints, Place, chains, neighbours

NEAR = 10.0
"""Letters are compared with those of their row this many heights away."""
ALIKE = 2.2
"""Letters whose heights differ by more than this factor are not compared."""
LEVEL = 0.03
"""Share of its height by which a mark may miss the level of another, and at least:"""
LEVEL_PIXELS = 1.3
MIN_COMPARED = 2
STICK = 0.35
"""Width over height of strokes like 1 and l; all of them look alike, so that more twins are asked of them."""
PRINT_SCORE = 0.42
"""Print has about 0.7, handwriting 0.15."""
WORD_GAP = 0.45
"""Letters of one word are at most this many heights apart,"""
LINE_GAP = 0.95
"""and words of one line this many."""
WORD_SHARE = 0.55
LINE_SHARE = 0.7
"""Where so many letters of a word or line are print, the others of the same size are print too."""
TALLER = 1.3
"""Handwriting amid print is taller than the print by this,"""
LOWER = 0.3
"""or leaves its line by this share of the height."""


def score_print(place: Place, twins: Ints, coarseness: float) -> Floats:
    """Chance-like score of each letter to be machine print, 0 to 1; nan where nothing tells.

    `twins` counts the letters of the same shape; `coarseness` is the stored pixel in pixels, if above 1.
    """
    level = align(place, LEVEL_PIXELS * coarseness)
    repeated = np.minimum(twins, 2) / 2.0
    stick = place.width < STICK * place.height
    repeated[stick] = np.minimum(twins, 4)[stick] / 4.0
    alone = np.where(repeated >= 1, 1.0, np.nan)
    score = np.where(np.isnan(level), alone, (np.nan_to_num(level) + repeated) / 2)
    score = smooth_words(place, score)
    for gap, share in ((WORD_GAP, WORD_SHARE), (LINE_GAP, LINE_SHARE)):
        score = settle_chains(place, score, gap, share)
    return score


def align(place: Place, least: float) -> Floats:
    """Share of the bottoms and tops of row neighbours that are level with each letter's own; nan without neighbours."""
    middle, height = (place.left + place.right) / 2, place.height
    index = np.arange(len(middle))
    score = np.full(len(middle), np.nan)
    for start in range(0, len(middle), CHUNK):
        own = slice(start, start + CHUNK)
        other = slice(max(0, start - CHUNK // 2), start + CHUNK + CHUNK // 2)
        tall, their = height[own, None], height[None, other]
        tops = np.abs(place.top[own, None] - place.top[None, other])
        bottoms = np.abs(place.bottom[own, None] - place.bottom[None, other])
        overlap = (tall + their - tops - bottoms) / 2
        row = (overlap > 0.5 * np.minimum(tall, their)) & (their < ALIKE * tall) & (tall < ALIKE * their)
        row &= np.abs(middle[own, None] - middle[None, other]) < NEAR * np.maximum(tall, their / 2)
        row &= index[own, None] != index[None, other]
        level = np.maximum(least, LEVEL * tall)
        count = row.sum(axis=1)
        agree = (row & (bottoms <= level)).sum(axis=1) + (row & (tops <= level)).sum(axis=1)
        score[own] = np.where(count >= MIN_COMPARED, agree / np.maximum(1, 2 * count), np.nan)
    return score


def smooth_words(place: Place, score: Floats) -> Floats:
    """Average each score with those of the letters directly before and behind: one letter says little alone."""
    known = ~np.isnan(score)
    total, weight = np.where(known, 2 * score, 0.0), np.where(known, 2.0, 0.0)
    for beside in neighbours(place, WORD_GAP):
        there = np.flatnonzero((beside >= 0) & known[beside])
        total[there] += score[beside[there]]
        weight[there] += 1
    return np.where(weight >= 2, total / np.maximum(weight, 1), np.nan)


def settle_chains(place: Place, score: Floats, gap: float, share: float) -> Floats:
    """Take letters for print whose word or line is print, unless they are taller or leave the line."""
    height = place.height
    settled = score.copy()
    for chain in chains(place, gap):
        printed = score[chain] >= PRINT_SCORE
        if printed.mean() < share or printed.all():
            continue
        tall = float(np.quantile(height[chain][printed], 0.75))
        base = float(np.median(place.bottom[chain][printed]))
        for part in parts(printed):
            rest = chain[part]
            off = abs(float(np.median(place.bottom[rest])) - base)
            if float(np.median(height[rest])) <= TALLER * tall and off <= LOWER * tall:
                settled[rest] = PRINT_SCORE
    return settled


def parts(printed: NDArray[np.bool_]) -> list[Ints]:
    """Stretches of letters that are not print."""
    index = np.flatnonzero(~printed)
    return np.split(index, np.flatnonzero(np.diff(index) > 1) + 1)
