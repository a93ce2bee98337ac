"""The mean of two trained nets lies between them, says of what it was made, and can be loaded."""

from __future__ import annotations

import runpy
from pathlib import Path

import torch

from docproc.recognize.classifier import load, load_nets
from docproc.recognize.line_net import LineNet, LineShape
from docproc.recognize.line_reader import load_line_net
from docproc.recognize.net import Cascade, make_shape
from docproc.train.fit import save
from docproc.train.modelfile import save_model

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "mean_weights.py"
write_mean = runpy.run_path(str(SCRIPT))["write_mean"]


def save_digits(folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    folder.mkdir()
    return save(Cascade(make_shape(4, 1, 16), make_shape(4, 1, 16)), {"recipe": {"seed": seed}}, folder)


def save_lines(folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    folder.mkdir()
    shape = {"stem": 4, "half": [4], "quarter": [4], "eighth": [4], "sequence": 4, "reaches": [1]}
    net = LineNet(LineShape(4, (4,), (4,), (4,), 4, (1,)))
    return save_model(net, folder / "lines.safetensors", {"shape": shape, "recipe": {"seed": seed}}, half=True)


def test_mean_of_digit_nets_can_be_used(tmp_path: Path) -> None:
    first, second = save_digits(tmp_path / "a", 1), save_digits(tmp_path / "b", 2)
    out = write_mean(first, second, 0.25, tmp_path / "out")
    (one, _, _), (other, _, _), (mean, card, _) = map(load_nets, (first, second, out))
    a, b, c = (net.reader.features[0].weight for net in (one, other, mean))
    assert torch.allclose(c, 0.75 * a + 0.25 * b)
    assert not torch.allclose(a, b)
    told = [(part["share"], part["recipe"]) for part in card["recipe"]["mean"]]
    assert told == [(0.75, {"seed": 1}), (0.25, {"seed": 2})]
    assert load(out, "cpu").temperatures == (1.0, 1.0)


def test_mean_of_readers_of_rows_can_be_used(tmp_path: Path) -> None:
    first, second = save_lines(tmp_path / "a", 1), save_lines(tmp_path / "b", 2)
    out = write_mean(first, second, 0.5, tmp_path / "out")
    (one, _, _), (other, _, _), (mean, _, _) = map(load_line_net, (first, second, out))
    a, b, c = (net.head.weight for net in (one, other, mean))
    assert torch.allclose(c, (a + b) / 2, atol=2e-3)
