"""An attack on a small net that can read: what it counts, what it writes, and that the same seed repeats it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

from docproc.apps.cli import app
from docproc.errors import InputError, LedgerError, ModelError
from docproc.recognize.classifier import load_nets
from docproc.recognize.net import Cascade, Net, make_shape
from docproc.train import fit
from docproc.train.attack import GREYS, Outcome, Robustness, attack, choose_digits, fool, judge, list_outcomes, render
from docproc.train.cache import compose_once
from docproc.train.corruptions import NATURAL
from docproc.train.crops import LabelledCrops, join_crops, mnist_crops
from docproc.train.fit import Knobs, predict, save, show_bar
from docproc.train.loss import cross_entropy
from docproc.types import NOT_A_DIGIT

COUNT = 30


@pytest.fixture(scope="module")
def digits(digit_sets: Path) -> LabelledCrops:
    return mnist_crops(digit_sets, held_out=True)


@pytest.fixture(scope="module")
def weights(digit_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A net that learned the digits of the other writers by heart."""
    torch.manual_seed(1)
    nets = Cascade(make_shape(2, 1, 8), make_shape(8, 1, 32))
    crops, labels, styles = tensors(mnist_crops(digit_sets, held_out=False))
    optimizer = torch.optim.Adam(nets.reader.parameters(), 0.01)
    for _ in range(40):
        optimizer.zero_grad()
        cross_entropy(nets.reader(crops), labels, styles, 0.02).backward()
        optimizer.step()
    return save(nets, {}, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attacked")


@pytest.fixture(scope="module")
def measured(digit_sets: Path, weights: Path, out: Path) -> Robustness:
    return attack(digit_sets, out, weights, COUNT, 1, "cpu")


@pytest.fixture
def net(weights: Path) -> Net:
    return load_nets(weights)[0].reader


def tensors(made: LabelledCrops) -> tuple[Tensor, Tensor, Tensor]:
    crops, labels, styles = map(torch.from_numpy, (made.crops, made.labels, made.styles))
    return crops[:, None].float() / 255, labels, styles


def right(net: Net, crops: np.ndarray, labels: np.ndarray) -> float:
    return float((predict(net, crops)[:, :NOT_A_DIGIT].argmax(1) == labels).mean())


def test_wrong_digits_are_told_from_refused_ones_and_sure_ones_from_others() -> None:
    labels = np.zeros(6, np.int64)
    chances = np.zeros((6, 11), np.float32)
    chances[0, [0, 1]] = 0.97, 0.03  # right
    chances[1, [1, 0]] = 0.96, 0.04  # wrong, and sure
    chances[2, [1, 0]] = 0.94, 0.06  # wrong
    chances[3, [NOT_A_DIGIT, 0, 1]] = 0.97, 0.02, 0.01  # refused, though it would be right
    chances[4, [NOT_A_DIGIT, 1, 0]] = 0.5, 0.3, 0.2  # refused, and it would be wrong
    chances[5, [0, 1]] = 0.5, 0.4  # right
    assert judge(chances, labels, "blur", 2, "pixels") == Outcome("blur", 2, "pixels", 3 / 6, 2 / 6, 1 / 6)


def test_attack_fools_within_so_many_grey_levels(net: Net, digits: LabelledCrops) -> None:
    crops, labels = digits.crops, digits.labels
    read = right(net, crops, labels)
    once, often = (fool(crops, 40, net, labels, steps) for steps in (1, 20))
    assert read > 0.8
    assert right(net, often, labels) < right(net, once, labels) < read
    for fooling in (once, often):
        assert fooling.dtype == np.uint8
        assert np.abs(fooling.astype(int) - crops).max() == 40
    assert fool(crops[:0], 40, net, labels[:0], 1).shape == (0, 28, 28)


def test_attack_does_not_depend_on_what_else_is_in_its_batch(net: Net, digits: LabelledCrops) -> None:
    many = np.concatenate([digits.crops] * 7)  # more than one batch
    labels = np.concatenate([digits.labels] * 7)
    together, alone = fool(many, 16, net, labels, 1), fool(digits.crops, 16, net, digits.labels, 1)
    assert (together[-len(alone) :] != alone).mean() < 0.001


def test_every_change_is_tried_at_every_strength(measured: Robustness) -> None:
    tried = [(outcome.change, outcome.strength) for outcome in list_outcomes(measured)]
    expected = [(name, greys) for name in ("fgsm", "pgd") for greys in GREYS]
    expected += [(change.name, strength) for change in NATURAL for strength in change.strengths]
    assert tried == [("none", 0), *expected]


def test_reader_fails_more_the_harder_it_is_attacked(measured: Robustness, net: Net, digit_sets: Path) -> None:
    assert (measured.mnist, measured.composed) == (COUNT // 2, COUNT // 2)
    assert measured.untouched.right > 0.6
    fgsm, pgd = (curve.outcomes for curve in measured.curves[:2])
    assert pgd[-1].right < fgsm[0].right <= measured.untouched.right
    for curve in measured.curves:
        assert curve.examples.shape == (len(measured.shown), 28, 28)
        assert np.array_equal(predict(net, curve.examples).argmax(1), curve.read)
        assert all(0 <= share <= 1 for outcome in curve.outcomes for share in outcome[3:])


def test_tables_and_picture_hold_what_was_measured(measured: Robustness, out: Path) -> None:
    with (out / "attack.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    told = json.loads((out / "attack.json").read_text(encoding="utf-8"))
    assert told["outcomes"] == [outcome._asdict() for outcome in list_outcomes(measured)]
    assert (told["mnist"], told["composed"], told["seed"]) == (COUNT // 2, COUNT // 2, 1)
    assert [{key: str(value) for key, value in outcome.items()} for outcome in told["outcomes"]] == rows
    picture = cv2.imread(str(out / "attack.png"))
    assert picture is not None
    assert min(picture.shape[:2]) > 800
    lines = render(measured).splitlines()
    assert lines[0].startswith(f"{COUNT} digits of writers never seen")
    assert len(lines) == 2 + len(rows)
    assert lines[2].split()[:2] == ["none", f"{measured.untouched.right:.2%}"]


def test_digits_are_chosen_by_the_seed(digit_sets: Path, measured: Robustness, out: Path, tmp_path: Path) -> None:
    (composed,) = out.glob("crops-validate-1-*.npz")
    shutil.copy(composed, tmp_path / composed.name.replace("-1-", "-2-"))
    with show_bar() as bar:
        first, again = (join_crops(choose_digits(digit_sets, out, COUNT, 1, bar)) for _ in range(2))
        other = join_crops(choose_digits(digit_sets, tmp_path, COUNT, 2, bar))
    assert np.array_equal(first.crops, again.crops)
    assert not np.array_equal(first.crops, other.crops)
    assert len(other.labels) == COUNT
    assert NOT_A_DIGIT not in other.labels
    assert np.array_equal(np.unique(first.labels), measured.shown)


def test_command_prints_the_table_and_repeats_itself(
    measured: Robustness, digit_sets: Path, weights: Path, out: Path
) -> None:
    options = ["attack", "--data", str(digit_sets), "--out", str(out), "--model", str(weights), "--count", str(COUNT)]
    ended = CliRunner().invoke(app, [*options, "--device", "cpu"], catch_exceptions=False)
    assert ended.exit_code == 0
    assert render(measured) in ended.stdout
    assert json.loads((out / "attack.json").read_text(encoding="utf-8"))["model"] == measured.model


def test_attack_that_cannot_be_made_says_what_to_do(digit_sets: Path, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="name another folder with --out"):
        attack(digit_sets, tmp_path / "file", weights, COUNT, 1, "cpu")
    with pytest.raises(InputError, match="point --data"):
        attack(tmp_path, tmp_path / "out", weights, COUNT, 1, "cpu")
    with pytest.raises(ModelError, match="choose another --model"):
        attack(digit_sets, tmp_path / "out", tmp_path / "none.safetensors", COUNT, 1, "cpu")


def test_train_takes_the_size_of_its_attacks(digits: LabelledCrops, digit_sets: Path, tmp_path: Path) -> None:
    knobs = Knobs()
    crops = np.concatenate([digits.crops] * 7)
    labels = np.where(np.arange(len(crops)) % 4, np.concatenate([digits.labels] * 7), NOT_A_DIGIT)
    composed = {"crops": crops, "labels": labels, "styles": np.full(len(crops), -1)}
    for fields, held_out in ((knobs.fields, False), (fit.VALIDATION_FIELDS, True)):
        compose_once(digit_sets, tmp_path, "crops", fields, knobs.seed, held_out, lambda: composed)
    options = ["train", "--data", str(digit_sets), "--out", str(tmp_path), "--epochs", "1", "--workers", "1"]
    ended = CliRunner().invoke(app, [*options, "--device", "cpu", "--attack", "0.1"], catch_exceptions=False)
    assert ended.exit_code == 0
    card = json.loads((tmp_path / "digits.json").read_text(encoding="utf-8"))
    assert card["recipe"]["attack"] == 0.1
    assert CliRunner().invoke(app, [*options, "--attack", "0.3"]).exit_code == 2
