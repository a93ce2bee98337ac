"""Temperatures and style from digits whose labels are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from docproc.recognize.classifier import load
from docproc.recognize.net import Cascade, make_shape
from docproc.train.fit import save
from docproc.train.temper import STYLE_OFFSETS, STYLE_WEIGHTS, fit_temperature, heat, surprise, temper


def simulate(temperature: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Joint chances that claim too much or too little, and labels by the law they should have had."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (count, 2, 11))
    claimed = np.exp(logits) / np.exp(logits).sum((1, 2), keepdims=True)
    true = heat(claimed.astype(np.float32), temperature).sum(1)
    labels = (true.cumsum(1) < rng.random(count)[:, None]).sum(1).clip(max=10)
    return claimed.astype(np.float32), labels


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_fit_finds_the_temperature_of_the_law(temperature: float) -> None:
    joint, labels = simulate(temperature)
    assert fit_temperature([joint], [labels]) == pytest.approx(temperature, rel=0.06)


def test_every_set_counts_alike_however_large() -> None:
    cool, warm = simulate(0.6), simulate(2.5)
    few = tuple(part[:1000] for part in cool)
    between = fit_temperature([cool[0], warm[0]], [cool[1], warm[1]])
    assert 0.8 < between < 2.3
    assert fit_temperature([few[0], warm[0]], [few[1], warm[1]]) == pytest.approx(between, rel=0.06)


def test_heat_keeps_order_and_one_changes_nothing() -> None:
    joint, _ = simulate(1.0, 50)
    assert heat(joint, 1.0) == pytest.approx(joint, abs=1e-6)
    warm = heat(joint, 3.0)
    assert warm.sum((1, 2)) == pytest.approx(1)
    assert (warm.reshape(50, -1).argsort(1) == joint.reshape(50, -1).argsort(1)).all()
    assert (warm.max((1, 2)) <= joint.max((1, 2))).all()


def test_surprise_is_that_of_the_label() -> None:
    probs = np.full((2, 11), 0.05, np.float32)
    probs[0, 3], probs[1, 10] = 0.5, 0.25
    assert surprise(probs, np.array([3, 10])) == pytest.approx(-(np.log(0.5) + np.log(0.25)) / 2)


def test_sets_of_digits_temper_a_model_and_writers_its_style(digit_sets: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    weights = save(Cascade(make_shape(2, 1, 8), make_shape(4, 1, 16)).eval(), {}, tmp_path)
    classifier = load(weights, "cpu")
    with np.load(digit_sets / "mnist_train.npz") as file:
        np.savez(tmp_path / "nobody.npz", x=file["x"], y=file["y"])
    alone = temper([tmp_path / "nobody.npz"], classifier)
    assert alone.temperatures != classifier.temperatures
    assert alone.calibration == classifier.calibration
    written = temper([digit_sets / "mnist_train.npz"], classifier)
    assert written.temperatures == alone.temperatures
    weight, offset = written.calibration.style
    assert weight in STYLE_WEIGHTS
    assert offset in STYLE_OFFSETS
