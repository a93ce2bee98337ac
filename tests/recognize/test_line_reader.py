"""Rows are read the same in any company; weights that do not fit their card are refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from docproc.errors import Exit, ModelError
from docproc.recognize.line_net import LineNet, LineShape
from docproc.recognize.line_reader import BATCH, ROOM, STRETCH, load_line_reader
from docproc.recognize.weights import find_shipped
from docproc.train.modelfile import amend_card, save_model
from docproc.types import Line

TINY = LineShape(2, (3,), (4, 5), (6,), 7, (1, 2))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(2)
    net = LineNet(TINY)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
    return save_model(net, tmp_path / "lines.safetensors", {"shape": asdict(TINY)}, half=True)


def lines_of(*widths: int) -> list[Line]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (2, 32, width), dtype=np.uint8) for width in widths]


def test_each_column_has_one_distribution(weights: Path) -> None:
    lines = lines_of(0, 5, 40, 200, 768)
    for line, frames in zip(lines, load_line_reader(weights, "cpu").read(lines), strict=True):
        assert frames.shape[1] == 13
        assert frames.dtype == np.float32
        assert line.shape[2] <= 4 * len(frames) <= line.shape[2] + 2 * ROOM + STRETCH
        assert frames.sum(1) == pytest.approx(np.ones(len(frames)), abs=1e-5)
        assert frames.min() > -1e-6


def test_nothing_to_read_is_no_frames(weights: Path) -> None:
    assert load_line_reader(weights, "cpu").read([]) == ()


@pytest.mark.parametrize("bfloat16", [False, True], ids=["float32", "bfloat16"])
def test_row_is_read_the_same_to_the_last_bit_in_any_company(
    weights: Path, monkeypatch: pytest.MonkeyPatch, bfloat16: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bfloat16)
    reader, lines = load_line_reader(weights, "cpu"), lines_of(33, 80, 33, 150, *range(34, 34 + BATCH))
    together = reader.read(lines)
    for line, frames in zip(lines[::-1], together[::-1], strict=True):
        assert np.array_equal(reader.read([line])[0], frames)
    assert not np.array_equal(together[0], together[2])


def test_folding_changes_nothing_but_the_rounding(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    (line,) = lines_of(48)
    (frames,) = load_line_reader(weights, "cpu").read([line])
    net = LineNet(TINY)
    net.load_state_dict(load_file(weights))
    padded = np.zeros((1, 2, 32, 64), np.uint8)
    padded[0, :, :, 8:56] = line
    with torch.inference_mode():
        plain = net.eval()(torch.from_numpy(padded).float() / 255).softmax(2)[0].numpy()
    assert frames[:, :10] == pytest.approx(plain[:, :10], abs=1e-4)
    assert frames[:, 11:] == pytest.approx(plain[:, 15:17], abs=1e-4)


def test_reader_beside_the_weights_goes_before_the_shipped_one(weights: Path, tmp_path: Path) -> None:
    own = load_line_reader(tmp_path / "digits.safetensors", "cpu").digest
    (tmp_path / "other").mkdir()
    assert own == load_line_reader(weights, "cpu").digest
    shipped = load_line_reader(None, "cpu").digest
    assert load_line_reader(tmp_path / "other" / "digits.safetensors", "cpu").digest == shipped != own


def flip_bit(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[-9] ^= 1
    weights.write_bytes(data)


Spoil = Callable[[Path], object]
SPOILED: dict[str, Spoil] = {
    "card of other weights": lambda weights: amend_card(weights, {"sha256": "0" * 64}),
    "one bit of the weights": flip_bit,
    "weights are something else": lambda weights: weights.write_bytes(b"not weights at all"),
    "no card": lambda weights: weights.with_suffix(".json").unlink(),
    "card cut short": lambda weights: weights.with_suffix(".json").write_text('{"shape": {'),
    "no shape": lambda weights: amend_card(weights, {"shape": None}),
    "shape without a layer": lambda weights: amend_card(weights, {"shape": {**asdict(TINY), "half": []}}),
    "shape of other weights": lambda weights: amend_card(weights, {"shape": {**asdict(TINY), "stem": 3}}),
    "layer of nothing": lambda weights: amend_card(weights, {"shape": {**asdict(TINY), "stem": 0}}),
    "layer without end": lambda weights: amend_card(weights, {"shape": {**asdict(TINY), "sequence": 10**9}}),
    "reach without end": lambda weights: amend_card(weights, {"shape": {**asdict(TINY), "reaches": [1, 1000]}}),
    "reach of nothing": lambda weights: amend_card(weights, {"shape": {**asdict(TINY), "reaches": [0, 1]}}),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_spoiled_reader_is_refused_with_advice(weights: Path, spoil: Spoil) -> None:
    spoil(weights)
    with pytest.raises(ModelError, match=r"lines\.(safetensors|json).*(install (it )?again|train anew)") as caught:
        load_line_reader(weights, "cpu")
    assert caught.value.code == Exit.MODEL


@pytest.mark.skipif(not find_shipped("lines").is_file(), reason="no trained weights yet")
def test_shipped_reader_names_its_recipe() -> None:
    card = json.loads(find_shipped("lines").with_suffix(".json").read_text(encoding="utf-8"))
    assert card["name"] == "lines"
    trained = list(find_trained(card["recipe"]))
    assert sum(share for share, _ in trained) == pytest.approx(1)
    assert all(recipe["seed"] >= 0 for _, recipe in trained)


def find_trained(recipe: dict[str, Any], share: float = 1.0) -> Iterator[tuple[float, dict[str, Any]]]:
    """The trainings that a recipe goes back to, those of means of means too, and the share of each."""
    if "mean" not in recipe:
        yield share, recipe
    for part in recipe.get("mean", ()):
        yield from find_trained(part["recipe"], share * part["share"])
