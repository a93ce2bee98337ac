"""What is read of tables on photos taken by hand: `python benchmarks/photos.py FOLDER [--model W]`.

FOLDER holds photos and, beside each, a text file of its name with the digits of its square table, row by row, as
`pages/sudoku` does. The frame of the table, the largest thing with four corners, says where each cell lies. No form is
given. A field that holds several cells is right if its value is all their digits, in reading order.

A line a photo, and a sum: cells, those of fields that are read right, those of which no row tells; fields with cells,
those accepted, and accepted although wrong; and other rows, of what stands elsewhere on the photo.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.flow.mappers import in_process
from docproc.flow.pipeline import read
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.models import load_models
from docproc.types import Box, Gray, PageRef, Reading

SIDE = 1000
"""The frame is looked for in a picture of this many pixels on its longer side,"""
MOST_SHARE = 0.7
"""of which it covers at most this share: the edge of the picture is no frame."""
COUNTS = ("cells", "right", "lost", "fields", "accepted", "accepted, wrong", "others")


def find_frame(gray: Gray) -> NDArray[np.float32]:
    """The corners of the table, clockwise from the upper left: float32[4, 2]."""
    factor = min(1.0, SIDE / max(gray.shape))
    small = cv2.GaussianBlur(cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), (0, 0), 1)
    dark = cv2.adaptiveThreshold(small, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY_INV, 31, 8)
    outlines, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    hulls = [cv2.convexHull(outline) for outline in outlines]
    corners = [cv2.approxPolyDP(hull, 0.03 * cv2.arcLength(hull, True), True) for hull in hulls]
    frames = [found for found in corners if len(found) == 4 and cv2.contourArea(found) < MOST_SHARE * small.size]
    found = max(frames, key=cv2.contourArea)[:, 0].astype(np.float32)
    by_sum, by_difference = found.sum(1).argsort(), (found[:, 0] - found[:, 1]).argsort()
    return found[[by_sum[0], by_difference[-1], by_sum[-1], by_difference[0]]] / np.float32(factor)


def place_cells(frame: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The middles of the cells of a table with so many rows and columns: float32[count, count, 2]."""
    square = np.array([(0, 0), (count, 0), (count, count), (0, count)], np.float32)
    middles = np.stack(np.meshgrid(np.arange(count), np.arange(count)), 2).reshape(1, -1, 2) + np.float32(0.5)
    there = cv2.perspectiveTransform(middles, cv2.getPerspectiveTransform(square, frame))
    return np.asarray(there.reshape(count, count, 2), np.float32)


def holds(box: Box, x: float, y: float) -> bool:
    """Whether a point lies in a box."""
    return box.x <= x < box.right and box.y <= y < box.bottom


def count_cells(readings: tuple[Reading, ...], digits: list[str], middles: NDArray[np.float32]) -> NDArray[np.int64]:
    """Hold readings against the digits of the cells: int64[7], in the order of COUNTS."""
    held: dict[int, str] = defaultdict(str)
    lost = 0
    for row, places in zip(digits, middles.tolist(), strict=True):
        for digit, (x, y) in zip(row, places, strict=True):
            fields = [number for number, reading in enumerate(readings) if holds(reading.box, x, y)]
            lost += not fields
            for number in sorted(fields, key=lambda number: readings[number].box.width * readings[number].box.height)[
                :1
            ]:
                held[number] += digit
    right = [number for number, truth in held.items() if readings[number].text == truth]
    accepted = [number for number in held if not readings[number].review]
    wrong = set(accepted) - set(right)
    cells = sum(len(row) for row in digits)
    others = len(readings) - len(held)
    return np.array([cells, sum(len(held[n]) for n in right), lost, len(held), len(accepted), len(wrong), others])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--model", type=Path, help="weights other than the shipped ones")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    models, options = load_models(given.model, "cpu"), load_options()
    recipe = Recipe(options, models.digest, models.calibration)
    photos = sorted(path for path in given.folder.glob("*.jpg") if path.with_suffix(".txt").exists())
    if not photos:
        parser.error(f"{given.folder} holds no photo.jpg with a photo.txt beside it")
    documents = [survey(str(path), options) for path in photos]
    refs = [PageRef(document.source, document.digest, 1) for document in documents]
    results = read(refs, recipe, in_process, models.classifier.classify, models.line_reader.read)
    print(f"{'':28}", *(f"{name:>15}" for name in COUNTS))
    total = np.zeros(len(COUNTS), np.int64)
    for path, result in zip(photos, results, strict=True):
        digits = ["".join(line.split()) for line in path.with_suffix(".txt").read_text().splitlines() if line.strip()]
        gray = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        counts = count_cells(result.readings, digits, place_cells(find_frame(gray), len(digits)))
        total += counts
        print(f"{path.stem:28}", *(f"{count:15}" for count in counts), flush=True)
    print(f"{'all':28}", *(f"{count:15}" for count in total))


if __name__ == "__main__":
    main()
