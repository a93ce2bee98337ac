"""A model's card as text: what the nets are, what they were trained on, how sure they may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docproc.recognize.classifier import find_weights, load, load_nets
from docproc.recognize.net import Net, Shape, multiply_adds
from docproc.train.report import printable, render_table
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, Calibration, Scale

OWN_LINES = ("name", "made", "sha256", "shapes", "temperatures", "alone", "checked", "style", "partner")
"""Entries of a card that are told in words of their own; all others are told as they stand."""


def render_card(model: Path | None) -> str:
    """The card of a model (None: of the shipped one), its nets measured. Raises ModelError where it cannot be used."""
    weights = find_weights(model)
    classifier = load(weights, "cpu")
    nets, card, _ = load_nets(weights)
    pairs = ((nets.scout, classifier.temperatures[0]), (nets.reader, classifier.temperatures[1]))
    head = ("net", "channels", "parameters", "multiply-adds a crop", "temperature")
    rows = [(name, *tell_net(*pair)) for name, pair in zip(("scout", "reader"), pairs, strict=True)]
    lines = [
        f"{card.get('name', weights.stem)}, made {card.get('made', 'at a time not told')}",
        f"weights: {weights}, {weights.stat().st_size:,} bytes, sha256 {card['sha256']}",
        *render_table([head, *rows]).splitlines(),
        *tell_calibration(classifier.calibration),
        *(f"{name.replace('_', ' ')}: {tell(value)}" for name, value in card.items() if name not in OWN_LINES),
    ]
    return "\n".join(printable(line) for line in lines)


def tell_net(net: Net, temperature: float) -> tuple[str, ...]:
    """One line of the table of nets."""
    parameters = sum(weight.numel() for weight in net.parameters())
    return tell_shape(net.shape), f"{parameters:,}", f"{multiply_adds(net.shape):,}", f"{temperature:.3f}"


def tell_shape(shape: Shape) -> str:
    """Channels layer by layer, a bar between the stages."""
    stages = ((shape.stem,), shape.first, shape.second, (shape.hidden,))
    return " | ".join(" ".join(map(str, stage)) for stage in stages)


def tell_calibration(calibration: Calibration) -> list[str]:
    """How evidence becomes confidence, and which confidence keeps which error."""
    return [
        *_tell_scale("read once", calibration.alone, EVIDENCE),
        *_tell_scale("read twice", calibration.checked, CHECKED_EVIDENCE),
        "log odds of the style: weight {:.3g}, offset {:.3g}".format(*calibration.style),
        f"second reader for which that holds: {calibration.partner or 'none yet'}",
    ]


def _tell_scale(name: str, scale: Scale, evidence: tuple[str, ...]) -> list[str]:
    weights = ", ".join(f"{name} {weight:.3g}" for name, weight in zip(evidence, scale.weights, strict=True))
    accepted = ", ".join(f"{least:.4f} for {error:.2%}" for error, least in scale.thresholds)
    return [
        f"{name}, log odds of a right value: {weights}, offset {scale.offset:.3g}",
        f"{name}, least confidence for an expected error: " + (accepted or "not measured"),
    ]


def tell(value: Any) -> str:
    """Any entry of a card on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {tell(entry)}" for name, entry in value.items())
    if isinstance(value, list):
        return "; ".join(map(tell, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
