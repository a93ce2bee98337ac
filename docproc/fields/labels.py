"""The print beside fields that says what they are."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from docproc.fields.marks import Bools, Marks
from docproc.types import Box, Ruling

MM = 1 / 25.4
"""Inches a millimetre."""
LEFT_MM = 60.0
"""A label may stand this far left of its field, other fields between not counted,"""
ABOVE_MM = 12.0
"""or this far above."""
NEAR_MM = 15.0
"""A label to the left that is farther away than this comes after a heading so close above:"""
CLOSE_MM = 4.0
PARTING = 1.5
"""A ruling above a box that is this many times as long parts it from what stands above; shorter ones are its own."""
WORD_GAP = 1.5
"""Words of a label are at most so many heights of a letter apart."""
WIDER = 1.5
"""A label above is at most so many times as wide as its box."""
MARGIN_MM = 0.8


def find_labels(boxes: list[Box], marks: Marks, rulings: tuple[Ruling, ...], dpi: float) -> list[tuple[Box, ...]]:
    """For each box its label: the print left of it in its row, else above; both where others have the first, too."""
    uprights = [ruling.box for ruling in rulings if not ruling.horizontal]
    levels = [ruling.box for ruling in rulings if ruling.horizontal]
    beside = [find_left(box, boxes, marks, uprights, dpi) for box in boxes]
    over = [find_above(box, boxes, marks, uprights, dpi) for box in boxes]
    shared = Counter(beside)
    labels = []
    for box, left, above in zip(boxes, beside, over, strict=True):
        far = left is not None and box.x - left.right > NEAR_MM * MM * dpi
        close = above is not None and is_close(above, box, dpi) and not is_parted(above, box, levels)
        chosen = [left, above] if shared[left] > 1 else [above] if left is None or (far and close) else [left]
        labels.append(tuple(label for label in chosen if label is not None))
    return labels


def find_left(box: Box, boxes: list[Box], marks: Marks, uprights: list[Box], dpi: float) -> Box | None:
    """The print nearest to the left of a box, in its row."""
    place = marks.place
    middle = (place.top + place.bottom) / 2
    row = marks.letter & (middle > box.y) & (middle < box.bottom) & (place.right <= box.x + MM * dpi)
    row &= ~inside_any(boxes, marks)
    if not row.any():
        return None
    end = float(place.right[row].max())
    between = [other for other in boxes if end <= other.x < box.x and share_row(box, other)]
    if box.x - end - sum(other.width for other in between) > LEFT_MM * MM * dpi:
        return None
    walls = [wall.x for wall in uprights if wall.x < end and wall.y < box.bottom and box.y < wall.bottom]
    walls += [other.right for other in boxes if other.right <= end and share_row(box, other)]
    row &= place.left >= max(walls, default=0)
    height = float(np.median(place.height[row])) if row.any() else 0.0
    index = np.flatnonzero(row)
    index = index[np.argsort(-place.right[index], kind="stable")]
    start = end
    label = []
    for letter in index.tolist():
        if start - place.right[letter] > WORD_GAP * height:
            break
        label.append(letter)
        start = min(start, float(place.left[letter]))
    return frame(np.array(label, np.intp), marks, dpi) if label else None


def find_above(box: Box, boxes: list[Box], marks: Marks, uprights: list[Box], dpi: float) -> Box | None:
    """The line of print nearest above a box, unless it is running text that goes on beside it."""
    place = marks.place
    middle = (place.left + place.right) / 2
    free = marks.letter & (place.bottom <= box.y + MM * dpi) & ~inside_any(boxes, marks)
    over = free & (middle > box.x) & (middle < box.right)
    if not over.any():
        return None
    last = int(np.flatnonzero(over)[place.bottom[over].argmax()])
    low = float(place.bottom[last])
    between = [other for other in boxes if low <= other.y < box.y and share_row(turn(box), turn(other))]
    # Each box between has a gap of its own.
    if box.y - low - sum(other.height for other in between) > (1 + len(between)) * ABOVE_MM * MM * dpi:
        return None
    line = free & (place.bottom > place.top[last]) & (place.top < place.bottom[last])
    walls = [wall.x for wall in uprights if wall.y < low and wall.bottom > place.top[last]]
    line &= place.left > max((wall for wall in walls if wall < middle[last]), default=0)
    line &= place.right < min((wall for wall in walls if wall > middle[last]), default=np.inf)
    index = np.flatnonzero(line)[np.argsort(place.left[line], kind="stable")]
    ends = np.maximum.accumulate(place.right[index])
    apart = place.left[index][1:] - ends[:-1] > WORD_GAP * float(np.median(place.height[index]))
    words = np.split(index, np.flatnonzero(apart) + 1)
    label = frame(np.concatenate([word for word in words if over[word].any()]), marks, dpi)
    return label if label.width <= WIDER * box.width else None


def is_close(above: Box, box: Box, dpi: float) -> bool:
    """Whether a line of print stands over a box as its heading."""
    reach = CLOSE_MM * MM * dpi
    return box.y - above.bottom <= reach and box.x - reach / 2 <= above.x and above.right <= box.right + reach / 2


def is_parted(above: Box, box: Box, levels: list[Box]) -> bool:
    """Whether a line of a table runs between a box and what stands above it."""
    low, high = above.y + above.height / 2, box.y + box.height / 2
    long = (line for line in levels if line.width > PARTING * box.width)
    return any(low < line.y < high and line.x < box.right and box.x < line.right for line in long)


def inside_any(boxes: list[Box], marks: Marks) -> Bools:
    """Which marks stand in one of the boxes."""
    inside = np.zeros(len(marks.area), np.bool_)
    for box in boxes:
        inside |= marks.inside(box)
    return inside


def share_row(one: Box, two: Box) -> bool:
    """Whether boxes stand in one row."""
    return min(one.bottom, two.bottom) - max(one.y, two.y) > 0.5 * min(one.height, two.height)


def turn(box: Box) -> Box:
    """A box on its side."""
    return Box(box.y, box.x, box.height, box.width)


def frame(letters: NDArray[np.intp], marks: Marks, dpi: float) -> Box:
    """The box around letters, with a margin."""
    place = marks.place.take(letters)
    margin = round(MARGIN_MM * MM * dpi)
    left, top = max(0, int(place.left.min()) - margin), max(0, int(place.top.min()) - margin)
    return Box(left, top, int(place.right.max()) + margin - left, int(place.bottom.max()) + margin - top)
