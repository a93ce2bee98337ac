"""Weights and the card beside them, written so that a killed program leaves a pair that fits, or a clear mismatch."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from docproc.records.atomic import replace_file
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, Calibration, Scale


def save_model(net: nn.Module, weights: Path, facts: Mapping[str, object], half: bool = False) -> Path:
    """Write a net's weights, in half precision if asked, then a card that names and describes them."""
    kept = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    if half:
        kept = {name: value.half() if value.dtype == torch.float32 else value for name, value in kept.items()}
    part = weights.with_suffix(".part")
    save_file(kept, part)
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    part.replace(weights)
    _write_card(weights, {"name": weights.stem, "sha256": digest, "made": time.strftime("%Y-%m-%d"), **facts})
    return weights


def amend_card(weights: Path, facts: Mapping[str, object]) -> None:
    """Put facts into the card of weights; what else it says stays."""
    known = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    _write_card(weights, {**known, **facts})


def state_calibration(calibration: Calibration) -> dict[str, object]:
    """A calibration as a card has it."""
    return {
        "alone": _state_scale(calibration.alone, EVIDENCE),
        "checked": _state_scale(calibration.checked, CHECKED_EVIDENCE),
        "style": calibration.style,
        "partner": calibration.partner,
    }


def _state_scale(scale: Scale, names: tuple[str, ...]) -> dict[str, object]:
    field = dict(zip(names, scale.weights, strict=True))
    return {"field": {**field, "offset": scale.offset}, "thresholds": scale.thresholds}


def _write_card(weights: Path, facts: Mapping[str, object]) -> None:
    text = json.dumps(facts, indent=2) + "\n"
    replace_file(weights.with_suffix(".json"), lambda stream: stream.write(text.encode()))
