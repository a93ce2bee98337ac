"""Weights and card fit together, whatever is written into the card later."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from docproc.recognize.classifier import read_calibration
from docproc.train.modelfile import amend_card, save_model, state_calibration
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, Calibration, Scale


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


@pytest.mark.parametrize("half", [True, False])
def test_card_names_the_weights(net: nn.Module, tmp_path: Path, half: bool) -> None:
    weights = save_model(net, tmp_path / "small.safetensors", {"data": "none"}, half)
    card = json.loads((tmp_path / "small.json").read_text(encoding="utf-8"))
    assert card["name"] == "small"
    assert card["data"] == "none"
    assert card["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    kept = load_file(weights)
    assert kept["0.weight"].dtype == (torch.float16 if half else torch.float32)
    assert torch.allclose(kept["0.weight"].float(), net[0].weight, atol=1e-3)
    assert kept["1.num_batches_tracked"].dtype == torch.int64
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.json", "small.safetensors"]


def test_amended_card_keeps_what_it_said(net: nn.Module, tmp_path: Path) -> None:
    weights = save_model(net, tmp_path / "small.safetensors", {"data": "none", "site": "here"})
    amend_card(weights, {"site": "there", "more": 1})
    card = json.loads((tmp_path / "small.json").read_text(encoding="utf-8"))
    assert (card["data"], card["site"], card["more"]) == ("none", "there", 1)


def test_calibration_comes_back_from_a_card() -> None:
    alone = Scale(tuple(0.1 * i for i in range(len(EVIDENCE))), -0.5, ((0.01, 0.9),))
    checked = Scale(tuple(0.2 * i for i in range(len(CHECKED_EVIDENCE))), 0.5)
    calibration = Calibration(alone, checked, (0.7, -0.1), "digest")
    assert read_calibration(json.loads(json.dumps(state_calibration(calibration)))) == calibration
