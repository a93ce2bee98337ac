"""The way from a form's page to a scan: a homography, and the bends that none tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from docproc.fields.landmarks import MM, Points
from docproc.types import Homography, Placement

Floats: TypeAlias = NDArray[np.float64]
Bends: TypeAlias = NDArray[np.float32]
"""float32[r, c, 2], as in `Placement`."""

NODE_MM = 25.0
"""Nodes of the bends are about this far apart: the rollers of a feeder do not vary faster."""
STIFFNESS = 0.15
"""What a change of slope at a node costs against the error of one patch."""
REST = 0.003
"""What a bend itself costs: where no print tells, there is none."""
ROUNDS = 6
WIDE = 3.0
"""In the first round, patches off by so many reaches have a say: the middle of a stretched page must not outvote its
ends."""
FOLD_MM = 20.0
"""To tell what a fit is worth, all patches of a square of this size are left out at once: as much as writing hides."""


class Way(NamedTuple):
    """From the page of a form, of that width and height, to a scan: pixels plus their bends, through the homography."""

    size: tuple[int, int]
    to_scan: Homography
    bends: Bends


class Fit(NamedTuple):
    """Bends; and of each move its weight in them, 0 to 1, and how far it lies from bends fitted without its square."""

    bends: Bends
    weights: Floats
    left_out: Floats


def place_points(placement: Placement, points: Points) -> Points:
    """Where points of a form's page lie on the scan: both float64[N, 2], in pixels."""
    page = placement.page
    return map_points(Way((page.width, page.height), placement.to_scan, placement.bends), points)


def map_points(way: Way, points: Points) -> Points:
    """Points of the page on the scan."""
    nodes = way.bends.reshape(-1, 2).astype(np.float64)
    return project(way.to_scan, points + shares(way.size, way.bends.shape[:2], points) @ nodes)


def project(matrix: Homography, points: Points) -> Points:
    """Points through a homography."""
    ends = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(ends[:, :2] / ends[:, 2:], np.float64)


def unbent(size: tuple[int, int], to_scan: Homography) -> Way:
    """The way without bends."""
    return Way(size, to_scan, np.zeros((*grid_shape(size), 2), np.float32))


def grid_shape(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the nodes on a page of that width and height."""
    columns, rows = (max(2, round(length / MM / NODE_MM) + 1) for length in size)
    return rows, columns


def shares(size: tuple[int, int], shape: tuple[int, int], points: Points) -> Floats:
    """float64[N, r * c]: what share each node has in the bend at each point; outside the page, as at its edge."""
    rows, columns = shape
    along = np.clip(points / size, 0, 1) * (columns - 1, rows - 1)
    first = np.minimum(along.astype(int), (columns - 2, rows - 2))
    x, y = (along - first).T
    share, line = np.zeros((len(points), rows * columns)), np.arange(len(points))
    at = first[:, 1] * columns + first[:, 0]
    for step, part in ((0, (1 - x) * (1 - y)), (1, x * (1 - y)), (columns, (1 - x) * y), (columns + 1, x * y)):
        share[line, at + step] = part
    return share


def fit_bends(size: tuple[int, int], points: Points, moves: Points, reach: float) -> Fit:
    """The smoothest bends that take the points by these moves; one that is off by more than `reach` has no say."""
    shape = grid_shape(size)
    share, cost = shares(size, shape, points), bending_cost(shape)
    weights = np.ones(len(points))
    for number in range(ROUNDS):
        weighted = weights[:, None] * share
        inverse = np.linalg.inv(share.T @ weighted + cost)
        nodes = inverse @ (weighted.T @ moves)
        own = ((share @ inverse) * share).sum(axis=1)
        # Leaving one out of a linear fit needs no second fit (Allen 1974).
        alone = np.linalg.norm(moves - share @ nodes, axis=1) / np.maximum(1 - weights * own, 1e-3)
        limit = reach * max(1.0, WIDE - number)
        weights = np.clip(1 - (alone / limit) ** 2, 0, None) ** 2
    left_out = np.empty(len(points))
    for out in fold(points):
        weighted = (weights * ~out)[:, None] * share
        rest = np.linalg.solve(share.T @ weighted + cost, weighted.T @ moves)
        left_out[out] = np.linalg.norm(moves[out] - share[out] @ rest, axis=1)
    return Fit(nodes.reshape(*shape, 2).astype(np.float32), weights, left_out)


def fold(points: Points) -> Iterator[NDArray[np.bool_]]:
    """Every second square of the page along and across, four times, so that each point is in one fold."""
    odd = np.floor(points / (FOLD_MM * MM)).astype(int) % 2
    for number in range(4):
        yield np.asarray(odd[:, 0] + 2 * odd[:, 1] == number)


def bending_cost(shape: tuple[int, int]) -> Floats:
    """float64[r * c, r * c]: the quadratic form of what bends cost."""
    rows, columns = (np.eye(n) for n in shape)
    along, across = np.kron(np.diff(rows, 2, axis=0), columns), np.kron(rows, np.diff(columns, 2, axis=0))
    twist = np.sqrt(2) * np.kron(np.diff(rows, axis=0), np.diff(columns, axis=0))
    smooth = along.T @ along + across.T @ across + twist.T @ twist
    return np.asarray(STIFFNESS * smooth + REST * np.eye(len(smooth)), np.float64)
