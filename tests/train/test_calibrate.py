"""What turns evidence into measured chances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from docproc.assemble.confidence import weigh
from docproc.errors import InputError, ModelError
from docproc.recognize.classifier import MOST_WEIGHT, load
from docproc.recognize.line_net import BLANK, SIGNS, STEP
from docproc.recognize.line_reader import LineReader, load_line_reader
from docproc.recognize.models import Models
from docproc.recognize.net import Cascade, make_shape
from docproc.train.calibrate import (
    FEWEST,
    RISING,
    Answers,
    calibrate,
    cross_validate,
    find_thresholds,
    fit_scale,
    fit_weights,
    gather,
)
from docproc.train.fit import save
from docproc.train.ink import ink_strokes
from docproc.train.pen import draw_writer, text_strokes
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, NEUTRAL

LAW = np.array([0.8, 0.5, 0.3, 0.4, -0.7, -0.9, -0.6, -1.5])
SPREAD = np.array([2.0, 1.5, 1.5, 0.8, 0.6, 0.5, 0.6, 0.3])


def simulate(offset: float, law: np.ndarray = LAW, count: int = 20000) -> Answers:
    """Evidence, and whether each reading was right, by a known law."""
    rng = np.random.default_rng(0)
    evidence = rng.normal(0, SPREAD, (count, len(EVIDENCE)))
    right = rng.random(count) < 1 / (1 + np.exp(-(evidence @ law + offset)))
    return Answers(EVIDENCE, evidence, right)


@pytest.mark.parametrize("offset", [1.5, -0.5])
def test_fit_recovers_the_law_of_simulated_readings(offset: float) -> None:
    found = fit_weights(simulate(offset))
    assert np.array(found.weights) == pytest.approx(LAW, rel=0.12, abs=0.06)
    assert found.offset == pytest.approx(offset, abs=0.1)


def test_calibrated_chances_are_as_often_right_as_they_say() -> None:
    answers = simulate(1.2)
    _, evidence, right = answers
    fitted = fit_weights(answers)
    chances = np.array([weigh(row, fitted) for row in evidence])
    assert chances.mean() == pytest.approx(right.mean(), abs=0.005)
    for low, high in ((0.3, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1)):
        chosen = (chances >= low) & (chances < high)
        assert chances[chosen].mean() == pytest.approx(right[chosen].mean(), abs=0.03)


def test_fit_weighs_what_a_second_reader_says_of_a_field() -> None:
    law = np.array([*LAW, 0.5, 0.6, -0.4])
    rng = np.random.default_rng(0)
    evidence = rng.normal(0, [*SPREAD, 2.0, 2.0, 1.0], (20000, len(CHECKED_EVIDENCE)))
    right = rng.random(20000) < 1 / (1 + np.exp(-(evidence @ law + 1.0)))
    found = fit_weights(Answers(CHECKED_EVIDENCE, evidence, right))
    assert np.array(found.weights) == pytest.approx(law, rel=0.12, abs=0.06)
    # Agreement never counts against a reading, whatever these fields say; wavering may.
    upside_down = dict(
        zip(CHECKED_EVIDENCE, fit_weights(Answers(CHECKED_EVIDENCE, evidence, ~right)).weights, strict=True)
    )
    assert (upside_down["clear"], upside_down["lead"]) == (0, 0)
    assert upside_down["wavering"] > 0


@pytest.mark.parametrize("right", [True, False])
def test_fit_is_finite_and_modest_where_all_are_right_or_wrong(right: bool) -> None:
    _, evidence, _ = simulate(0.0, count=40)
    found = fit_weights(Answers(EVIDENCE, evidence, np.full(40, right)))
    chances = [weigh(row, found) for row in evidence]
    assert all(0.005 < chance < 0.995 for chance in chances)
    assert all((chance > 0.5) is right for chance in chances)


def test_certainty_never_counts_against_a_reading_even_where_the_surest_are_wrong() -> None:
    _, evidence, right = simulate(0.0, count=2000)
    found = dict(zip(EVIDENCE, fit_weights(Answers(EVIDENCE, evidence, ~right)).weights, strict=True))
    assert all(found[name] >= 0 for name in EVIDENCE if name in RISING)
    assert found["touching"] > 0


def test_weights_stay_such_that_a_card_may_hold_them() -> None:
    """Readings all alike that a hair's breadth tells right from wrong."""
    evidence = np.full((200, len(EVIDENCE)), 0.5) + np.linspace(-1e-6, 1e-6, 200)[:, None]
    assert np.abs(fit_weights(Answers(EVIDENCE, evidence, evidence[:, 0] > 0.5)).weights).max() <= MOST_WEIGHT


def test_fields_are_judged_by_a_fit_that_has_not_seen_them() -> None:
    answers = simulate(3.0, count=3000)
    error, acceptable = cross_validate(answers)
    assert error < 0.03
    assert 0.2 < acceptable < 0.95
    # Where nothing predicts anything, a fit to everything would still seem to.
    lost, _ = cross_validate(Answers(EVIDENCE, answers.evidence[:60], np.random.default_rng(1).random(60) < 0.5))
    assert lost > 0.1


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
    found = fit_scale(Answers(EVIDENCE, np.ones((1, len(EVIDENCE))), np.array([True])))
    assert np.isfinite([*found.weights, found.offset]).all()


KNOWN = ("123.png,123,a", "40.png,40,a") * (FEWEST // 2)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    return save(Cascade(make_shape(2, 1, 8), make_shape(4, 1, 16)).eval(), {"site": "kept"}, tmp_path)


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
    truth = write_truth(tmp_path, *KNOWN, "40.png,7,illegible", "gone.png,5,a")
    fitted = calibrate(truth, weights, "cpu")
    assert fitted.fields == FEWEST
    assert fitted.right <= fitted.fields
    after = load(weights, "cpu")
    assert after.calibration == fitted.calibration
    assert after.calibration != NEUTRAL
    assert after.calibration.style == before.calibration.style
    assert after.calibration.partner == load_line_reader(weights, "cpu").digest
    assert len(after.calibration.checked.weights) == len(CHECKED_EVIDENCE)
    assert after.digest != before.digest
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["site"] == "kept"
    assert card["calibrated_on"] == {"truth": "truth.csv", "fields": FEWEST, "right": fitted.right}
    assert card["cross_validated"]["calibration_error"] == pytest.approx(fitted.error, abs=1e-4)


def test_a_card_that_weighs_what_is_weighed_no_more_can_be_calibrated(tmp_path: Path, weights: Path) -> None:
    for text in ("123", "40"):
        write_strip(tmp_path / f"{text}.png", text)
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    card["checked"]["field"]["rumour"] = 1.0
    weights.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match=r"rumour.*calibrate"):
        load(weights, "cpu")
    fitted = calibrate(write_truth(tmp_path, *KNOWN), weights, "cpu")
    assert load(weights, "cpu").calibration == fitted.calibration


@pytest.mark.parametrize(("rows", "known"), [(("gone.png,5,a",), 0), (("123.png,123,a", "gone.png,5,a"), 1)])
def test_truth_without_enough_pictures_is_refused(
    tmp_path: Path, weights: Path, rows: tuple[str, ...], known: int
) -> None:
    write_strip(tmp_path / "123.png", "123")
    card = weights.with_suffix(".json").read_bytes()
    with pytest.raises(InputError, match=rf"truth\.csv names {known} lie beside it.*put 20 there"):
        calibrate(write_truth(tmp_path, *rows), weights, "cpu")
    assert weights.with_suffix(".json").read_bytes() == card


class Say(nn.Module):
    """A reader of rows that reads the same digits in each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.signs = [sign for digit in text for sign in (int(digit), BLANK)]

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(1, lines.shape[3] // STEP, len(SIGNS) + 1)
        scores[:, :, BLANK] = 30
        for column, sign in enumerate(self.signs):
            scores[:, column, BLANK], scores[:, column, sign] = 0, 30
        return scores


def test_each_field_is_answered_by_the_first_reader_alone_and_by_both(tmp_path: Path, weights: Path) -> None:
    for text in ("123", "406"):
        write_strip(tmp_path / f"{text}.png", text)
    truth = write_truth(tmp_path, "123.png,123,a", "406.png,406,a", "123.png,9,illegible", "gone.png,5,a")
    alone, checked = gather(truth, Models(load(weights, "cpu"), LineReader(Say("123"), "cpu", "digest")))
    assert (alone.names, checked.names) == (EVIDENCE, CHECKED_EVIDENCE)
    assert (alone.evidence.shape, checked.evidence.shape) == ((2, len(EVIDENCE)), (2, len(CHECKED_EVIDENCE)))
    assert alone.right.tolist() == [False, False]
    assert checked.right.tolist() == [True, False]
    assert np.isfinite(checked.evidence).all()
    column = CHECKED_EVIDENCE.index
    assert checked.evidence[:, column("lead")].min() > 5
    assert (checked.evidence[:, column("clear")] >= 0).all()
    assert np.exp(checked.evidence[:, column("length")]) == pytest.approx([3, 3])
