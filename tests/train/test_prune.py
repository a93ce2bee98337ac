"""Pruning leaves out what does not matter, changes nothing else, and ends as a model like any other."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from docproc.errors import ModelError, UsageError
from docproc.recognize.classifier import load, load_nets
from docproc.recognize.net import Cascade, Net, Shape, make_shape, multiply_adds
from docproc.train import fit
from docproc.train.crops import LabelledCrops
from docproc.train.fit import Knobs, Scores, save
from docproc.train.prune import (
    Measured,
    Pruned,
    choose_channels,
    prune,
    rank_channels,
    render_pruned,
    shrink,
)

SHAPE = Shape(4, (8, 6), (8,), 12)
KNOBS = Knobs(batch=32)


@pytest.fixture
def net() -> Net:
    """A net whose batch norms have seen something, and in which no channel and no neuron is dead."""
    torch.manual_seed(3)
    net = Net(SHAPE)
    for layer in net.features:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, 0, 0.5)
    nn.init.uniform_(net.head[1].bias, 0.2, 0.6)
    net.train()
    for _ in range(3):
        net(torch.from_numpy(blots(32))[:, None] / 255)
    return net.eval()


def blots(count: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(count).integers(0, 256, (count, 7, 7), dtype=np.uint8)
    return coarse.repeat(4, 1).repeat(4, 2)


@pytest.fixture
def crops() -> LabelledCrops:
    rng = np.random.default_rng(1)
    return LabelledCrops(blots(96), rng.integers(0, 11, 96), np.full(96, -1, np.int64))


def look(net: Net) -> Tensor:
    with torch.inference_mode():
        return net(torch.from_numpy(blots(40))[:, None] / 255)


def silence(net: Net, lost: list[list[int]]) -> None:
    """Turn off the channels named for each layer, as scales and offsets that training has driven to 0 do."""
    gates = [layer for layer in (*net.features, net.head[1]) if isinstance(layer, nn.BatchNorm2d | nn.Linear)]
    with torch.no_grad():
        for gate, channels in zip(gates, lost, strict=True):
            gate.weight[channels] = 0
            gate.bias[channels] = 0


def test_keeping_all_channels_changes_nothing(net: Net, crops: LabelledCrops) -> None:
    kept = choose_channels(rank_channels(net, crops, KNOBS), 1)
    assert [channels.tolist() for channels in kept] == [list(range(n)) for n in (4, 8, 6, 8, 12)]
    same = shrink(net, kept)
    assert same.shape == SHAPE
    assert torch.equal(look(same), look(net))


def test_channels_that_do_nothing_go_and_the_answers_stay(net: Net, crops: LabelledCrops) -> None:
    lost = [[1, 2], [0, 3, 5, 6], [0, 1, 5], [2, 3, 4, 7], [0, 2, 4, 6, 8, 11]]
    silence(net, lost)
    kept = choose_channels(rank_channels(net, crops, KNOBS), 0.5)
    counts = (4, 8, 6, 8, 12)
    wanted = [sorted(set(range(n)) - set(gone)) for n, gone in zip(counts, lost, strict=True)]
    assert [channels.tolist() for channels in kept] == wanted
    smaller = shrink(net, kept)
    assert smaller.shape == Shape(2, (4, 3), (4,), 6)
    assert torch.allclose(look(smaller), look(net), atol=1e-5)
    others = shrink(net, [torch.tensor(gone) for gone in lost])
    assert not torch.allclose(look(others), look(net), atol=1e-2)


def test_only_what_does_nothing_has_no_importance(net: Net, crops: LabelledCrops) -> None:
    ranks = rank_channels(net, crops, KNOBS)
    assert [len(rank) for rank in ranks] == [4, 8, 6, 8, 12]
    assert all((rank > 0).all() for rank in ranks)
    silence(net, [[2], [], [], [], [7]])
    ranks = rank_channels(net, crops, KNOBS)
    assert [(rank == 0).nonzero().flatten().tolist() for rank in ranks] == [[2], [], [], [], [7]]


def test_every_layer_keeps_the_same_share_and_at_least_one_channel() -> None:
    ranks = [torch.tensor([0.1, 0.4, 0.2, 0.3]), torch.arange(10.0), torch.tensor([1.0])]
    assert [kept.tolist() for kept in choose_channels(ranks, 0.5)] == [[1, 3], [5, 6, 7, 8, 9], [0]]
    assert [kept.tolist() for kept in choose_channels(ranks, 0.01)] == [[1], [9], [0]]


@pytest.mark.parametrize("shape", [SHAPE, make_shape(8, 1), make_shape(24, 2)])
def test_multiply_adds_are_those_that_layers_do(shape: Shape) -> None:
    net, done = Net(shape).eval(), []

    def count(layer: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
        done.append(made[0].numel() * math.prod(layer.weight.shape[1:]))

    for layer in (*net.features, *net.head):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        net(torch.zeros(1, 1, 28, 28))
    assert multiply_adds(shape) == sum(done)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained model whose card tells how it would have been trained."""
    torch.manual_seed(0)
    nets = Cascade(make_shape(2, 1), make_shape(6, 1, 16))
    recipe = {"loss": "focal", "focus": 2.0, "rate": 0.004, "width": 6, "invented": 1}
    return save(nets, {"recipe": recipe}, tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def pruned(source: Path, digit_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Pruned:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "VALIDATION_FIELDS", 100)
        out = tmp_path_factory.mktemp("pruned")
        return prune(digit_sets, out, source, keep=0.5, fields=100, seed=4, workers=1)


def test_pruned_model_loads_and_is_half_as_wide(pruned: Pruned, source: Path) -> None:
    nets, _, _ = load_nets(pruned.weights)
    assert nets.reader.shape == Shape(3, (6,), (12,), 8)
    assert nets.scout.shape == make_shape(2, 1)
    joint = load(pruned.weights, "cpu").classify(np.zeros((3, 28, 28), np.uint8))
    assert joint.shape == (3, 2, 11)
    assert load(source, "cpu").digest != load(pruned.weights, "cpu").digest


def test_card_tells_what_was_pruned_and_how(pruned: Pruned, source: Path) -> None:
    card = json.loads(pruned.weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["pruned"] == {"from": hashlib.sha256(source.read_bytes()).hexdigest(), "keep": 0.5}
    assert card["teachers"] == [card["pruned"]["from"]]
    assert card["sha256"] == hashlib.sha256(pruned.weights.read_bytes()).hexdigest()
    recipe = card["recipe"]
    assert (recipe["loss"], recipe["focus"], recipe["rate"]) == ("focal", 2.0, 0.004)
    assert (recipe["fields"], recipe["epochs"], recipe["seed"]) == (100, 2, 4)
    assert "width" not in recipe
    assert Scores(**card["scores"]) == pruned.after.scores


def test_other_teachers_are_learned_from_too(
    pruned: Pruned, source: Path, digit_sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "VALIDATION_FIELDS", 100)
    torch.manual_seed(9)
    other = save(Cascade(make_shape(2, 1), make_shape(4, 1, 16)), {}, tmp_path)
    again, taught = (
        prune(digit_sets, tmp_path / name, source, keep=0.5, fields=100, teachers=teachers, seed=4, workers=1)
        for name, teachers in (("again", ()), ("taught", (other,)))
    )
    assert again.weights.read_bytes() == pruned.weights.read_bytes()
    assert taught.weights.read_bytes() != pruned.weights.read_bytes()
    card = json.loads(taught.weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["teachers"] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in (source, other)]


def test_both_models_are_measured(pruned: Pruned, source: Path) -> None:
    before, after = pruned.before, pruned.after
    nets = load_nets(source)[0]
    assert before.parameters == sum(p.numel() for p in nets.reader.parameters())
    assert before.size == source.stat().st_size > after.size == pruned.weights.stat().st_size
    assert before.multiply_adds == multiply_adds(nets.reader.shape) > after.multiply_adds
    assert before.microseconds > 0 < after.microseconds
    assert before.scores != after.scores
    assert after.scores.loss > 0


def test_table_has_both_models() -> None:
    before = Measured(123456, 654321, 9876543, 41.26, Scores(0, math.nan, 0.01, 0.02, 0.03, 0.04, 0.05))
    after = Measured(23456, 54321, 876543, 11.24, Scores(1, 0.4, 0.06, 0.07, 0.08, 0.09, 0.1))
    lines = render_pruned(Pruned(Path("x"), before, after)).splitlines()
    cells = [line.split()[-2:] for line in lines]
    assert cells == [
        ["before", "after"],
        ["123,456", "23,456"],
        ["654,321", "54,321"],
        ["9,876,543", "876,543"],
        ["41.3", "11.2"],
        ["1.00%", "6.00%"],
        ["2.00%", "7.00%"],
        ["3.00%", "8.00%"],
        ["4.00%", "9.00%"],
        ["5.00%", "10.00%"],
    ]


def test_model_is_not_overwritten_by_its_own_pruning(source: Path, digit_sets: Path) -> None:
    before = source.read_bytes()
    with pytest.raises(UsageError, match="choose another folder"):
        prune(digit_sets, source.parent, source)
    assert source.read_bytes() == before


def test_pruning_what_is_no_model_says_what_to_do(digit_sets: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="choose another --model"):
        prune(digit_sets, tmp_path / "out", tmp_path / "none.safetensors")
    assert not (tmp_path / "out").exists()
