"""The two numbers that turn raw chances into measured ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from docproc.assemble.judge import calibrate as calibrate_chance
from docproc.errors import InputError
from docproc.recognize.classifier import MOST_SCALE, load
from docproc.recognize.net import Net
from docproc.train.calibrate import calibrate, find_thresholds, fit_platt
from docproc.train.ink import ink_strokes
from docproc.train.pen import draw_writer, text_strokes
from docproc.types import Calibration


def simulate(scale: float, offset: float, count: int = 20000) -> tuple[np.ndarray, np.ndarray]:
    """Raw chances, and whether each reading was right, by a known law."""
    rng = np.random.default_rng(0)
    logit = rng.normal(1.5, 2, count)
    right = rng.random(count) < 1 / (1 + np.exp(-(scale * logit + offset)))
    return 1 / (1 + np.exp(-logit)), right


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.6, 1.2), (1.8, -1.5), (0.3, -0.5)])
def test_fit_recovers_the_law_of_simulated_readings(scale: float, offset: float) -> None:
    found = fit_platt(*simulate(scale, offset))
    assert found.scale == pytest.approx(scale, rel=0.08)
    assert found.offset == pytest.approx(offset, abs=0.1)


def test_calibrated_chances_are_as_often_right_as_they_say() -> None:
    raw, right = simulate(0.6, 1.2)
    fitted = fit_platt(raw, right)
    chances = np.array([calibrate_chance(chance, fitted) for chance in raw])
    assert chances.mean() == pytest.approx(right.mean(), abs=0.005)
    for low, high in ((0.3, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1)):
        chosen = (chances >= low) & (chances < high)
        assert chances[chosen].mean() == pytest.approx(right[chosen].mean(), abs=0.03)


@pytest.mark.parametrize("right", [True, False])
def test_fit_is_finite_and_modest_where_all_are_right_or_wrong(right: bool) -> None:
    raw = np.linspace(0, 1, 40)
    found = fit_platt(raw, np.full(40, right))
    chances = [calibrate_chance(chance, found) for chance in raw]
    assert all(0.005 < chance < 0.995 for chance in chances)
    assert (chances[20] > 0.9) is right


def test_fit_keeps_order_even_where_the_surest_are_wrong() -> None:
    raw, right = simulate(1.0, 0.0, 500)
    found = fit_platt(raw, ~right)
    assert found.scale > 0
    assert calibrate_chance(0.9, found) > calibrate_chance(0.1, found)


def test_scale_stays_one_that_a_card_may_hold() -> None:
    """Readings all alike that a hair's breadth tells right from wrong."""
    raw = 0.5 + np.linspace(-1e-3, 1e-3, 200)
    assert fit_platt(raw, raw > 0.5).scale <= MOST_SCALE


def test_threshold_is_where_the_surest_readings_together_reach_the_error() -> None:
    confidences = np.array([0.9, 1.0, 0.985, 0.7, 0.991])
    found = dict(find_thresholds(confidences))
    # The two surest are wrong in (0 + 0.009) / 2 of cases, the three surest in (0 + 0.009 + 0.015) / 3.
    assert found[0.005] == 0.991
    assert found[0.01] == 0.985
    assert found[0.05] == 0.9
    assert found[0.1] == 0.7
    assert list(found) == sorted(found)
    for error, least in found.items():
        assert 1 - confidences[confidences >= least].mean() <= error + 1e-12
    assert find_thresholds(np.array([0.7])) == ()


def test_one_reading_is_enough_for_a_finite_fit() -> None:
    found = fit_platt(np.array([1.0]), np.array([True]))
    assert np.isfinite([found.scale, found.offset]).all()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "model.safetensors"
    save_file({name: value.contiguous() for name, value in Net(4).state_dict().items()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card = {"width": 4, "temperature": 1.0, "field_scale": 1.0, "field_offset": 0.0, "sha256": digest, "name": "kept"}
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return path


def write_strip(path: Path, text: str) -> None:
    rng = np.random.default_rng(len(text))
    glyphs = text_strokes(rng, text, draw_writer(1))
    strokes = [stroke * 60 + [20, 20] for glyph in glyphs for stroke in glyph]
    ink = ink_strokes(rng, strokes, 6, 0.1, (100, 90 * len(text) + 40))
    Image.fromarray(np.round(255 * (1 - ink)).astype(np.uint8)).save(path)


def write_truth(folder: Path, *rows: str) -> Path:
    truth = folder / "truth.csv"
    truth.write_text("file,digits,set\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return truth


def test_strips_with_known_digits_calibrate_the_card(tmp_path: Path, weights: Path) -> None:
    for text in ("123", "40"):
        write_strip(tmp_path / f"{text}.png", text)
    before = load(weights, "cpu")
    truth = write_truth(tmp_path, "123.png,123,a", "40.png,40,a", "40.png,7,illegible", "gone.png,5,a")
    fitted = calibrate(truth, weights, "cpu")
    assert fitted.fields == 2
    assert fitted.right <= fitted.fields
    after = load(weights, "cpu")
    assert after.calibration.scale == pytest.approx(fitted.calibration.scale, abs=1e-4)
    assert after.calibration.offset == pytest.approx(fitted.calibration.offset, abs=1e-4)
    assert after.calibration != Calibration(1.0, 0.0)
    assert after.digest != before.digest
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["name"] == "kept"
    assert card["calibrated_on"] == {"truth": "truth.csv", "fields": 2, "right": fitted.right}


def test_truth_without_its_pictures_is_refused(tmp_path: Path, weights: Path) -> None:
    card = weights.with_suffix(".json").read_bytes()
    with pytest.raises(InputError, match=r"truth\.csv.*put them there"):
        calibrate(write_truth(tmp_path, "gone.png,5,a"), weights, "cpu")
    assert weights.with_suffix(".json").read_bytes() == card
