"""Both readers come as a pair: one digest names them, and a confidence that was fitted to another pair is refused."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from docproc.errors import Exit, ModelError
from docproc.recognize.classifier import load
from docproc.recognize.line_net import LineNet, LineShape
from docproc.recognize.line_reader import load_line_reader
from docproc.recognize.models import load_models
from docproc.recognize.net import Cascade, make_shape
from docproc.recognize.weights import find_shipped
from docproc.train.fit import save
from docproc.train.modelfile import amend_card, save_model, state_calibration
from docproc.types import NEUTRAL

TINY = LineShape(2, (3,), (4,), (6,), 7, (1,))


def save_lines(folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    return save_model(LineNet(TINY), folder / "lines.safetensors", {"shape": asdict(TINY)})


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Untrained weights of both readers beside each other; their cards name no partner."""
    torch.manual_seed(0)
    save_lines(tmp_path, 1)
    return save(Cascade(make_shape(2, 1, 8), make_shape(4, 1, 16)), {}, tmp_path)


def test_readers_that_lie_beside_each_other_are_loaded_together(digits: Path) -> None:
    models = load_models(digits, "cpu")
    assert models.classifier.digest == load(digits, "cpu").digest
    assert models.line_reader.digest == load_line_reader(digits, "cpu").digest
    assert models.line_reader.device == models.classifier.device == "cpu"


def test_digest_names_the_weights_and_cards_of_both(digits: Path) -> None:
    seen = [load_models(digits, "cpu").digest]
    assert load_models(digits, "cpu").digest == seen[0]
    amend_card(digits, {"site": "here"})
    seen.append(load_models(digits, "cpu").digest)
    amend_card(digits.with_name("lines.safetensors"), {"site": "here"})
    seen.append(load_models(digits, "cpu").digest)
    save_lines(digits.parent, 2)
    seen.append(load_models(digits, "cpu").digest)
    assert len(set(seen)) == 4


def test_calibration_is_that_of_the_card_of_digits(digits: Path) -> None:
    stated = replace(NEUTRAL, checked=replace(NEUTRAL.checked, offset=0.25))
    amend_card(digits, state_calibration(stated))
    assert load_models(digits, "cpu").calibration == stated


def test_confidence_fitted_with_this_reader_of_rows_is_taken_and_with_another_refused(digits: Path) -> None:
    amend_card(digits, {"partner": load_models(digits, "cpu").line_reader.digest})
    assert load_models(digits, "cpu").calibration.partner
    save_lines(digits.parent, 2)
    with pytest.raises(ModelError, match=r"digits\.safetensors.*another reader of rows.*docproc calibrate") as caught:
        load_models(digits, "cpu")
    assert caught.value.code == Exit.MODEL


def test_reader_of_rows_that_is_gone_is_not_silently_replaced_by_the_shipped_one(digits: Path) -> None:
    amend_card(digits, {"partner": load_models(digits, "cpu").line_reader.digest})
    digits.with_name("lines.safetensors").unlink()
    with pytest.raises(ModelError, match="docproc calibrate"):
        load_models(digits, "cpu")


@pytest.mark.skipif(not find_shipped("lines").is_file(), reason="no trained weights yet")
def test_shipped_readers_are_a_pair() -> None:
    models = load_models(None, "cpu")
    assert models.calibration.partner == models.line_reader.digest
