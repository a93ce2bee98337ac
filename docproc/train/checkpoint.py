"""Where a training stands after an epoch, so that a killed one goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from docproc.errors import InputError


def save_checkpoint(
    path: Path, recipe: Mapping[str, Any], parts: Sequence[Any], history: Sequence[Mapping[str, Any]]
) -> None:
    """Write the states of a training's parts and the scores of its epochs; the old file stays until that is done."""
    part = path.with_suffix(".tmp")
    torch.save([recipe, [one.state_dict() for one in parts], history], part)
    part.replace(path)


def load_checkpoint(path: Path, recipe: Mapping[str, Any], parts: Sequence[Any]) -> list[dict[str, Any]]:
    """Bring the parts to where they were and return the scores of the epochs done; none without a file.

    Raises InputError where the file is of another recipe.
    """
    if not path.is_file():
        return []
    saved, states, history = torch.load(path, weights_only=True)
    if saved != recipe:
        raise InputError(f"{path} is from a training with other knobs; choose another --out or delete it")
    for part, state in zip(parts, states, strict=True):
        part.load_state_dict(state)
    return list(history)
