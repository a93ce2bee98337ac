"""What was composed for an earlier, interrupted training is not composed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from docproc.train.data import SETS

COMPOSED = 6
"""Goes up with every change of what is composed, so that nobody trains on what an older docproc made."""


def compose_once(
    data: Path, out: Path, kind: str, fields: int, seed: int, held_out: bool, make: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The arrays that `make` composes of the sets in `data`, kept in `out` for the next time."""
    sizes = [(name, (data / f"{name}.npz").stat().st_size) for name in SETS if (data / f"{name}.npz").is_file()]
    stamp = hashlib.sha256(repr((COMPOSED, sizes)).encode()).hexdigest()[:8]
    cache = out / f"{kind}-{'validate' if held_out else 'train'}-{seed}-{fields}-{stamp}.npz"
    if not cache.is_file():
        np.savez(out / f"{kind}.tmp.npz", **make())
        (out / f"{kind}.tmp.npz").replace(cache)
    with np.load(cache, allow_pickle=False) as file:
        return dict(file)
