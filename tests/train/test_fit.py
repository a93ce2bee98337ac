"""A tiny training writes all it promises, goes on where it was killed, and repeats itself."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from docproc.errors import InputError
from docproc.recognize.classifier import load
from docproc.recognize.net import Net
from docproc.train import fit
from docproc.train.fit import Knobs, distort, predict, train

KNOBS = Knobs(fields=100, epochs=2, batch=64, width=4)


@pytest.fixture(scope="module")
def few_fields() -> None:
    """Validate on one chunk of fields."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "VALIDATION_FIELDS", 100)
        yield


@pytest.fixture(scope="module")
def trained(few_fields: None, digit_sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of an undisturbed training."""
    return train(digit_sets, tmp_path_factory.mktemp("trained"), KNOBS, workers=1)


@pytest.fixture
def begun(trained: Path, tmp_path: Path) -> Path:
    """A folder in which the fields are composed and nothing is trained yet."""
    for crops in trained.parent.glob("crops-*.npz"):
        shutil.copy(crops, tmp_path)
    return tmp_path


def test_weights_card_and_curve_fit_together(trained: Path) -> None:
    card = json.loads(trained.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(trained.read_bytes()).hexdigest()
    assert card["recipe"] == asdict(KNOBS)
    assert [scores["epoch"] for scores in card["scores"]] == [2]
    assert card["training_crops"] > 100
    curve = cv2.imread(str(trained.parent / "curve.png"))
    assert curve is not None
    assert min(curve.shape[:2]) > 300
    classifier = load(trained, "cpu")
    assert classifier.classify(np.zeros((2, 28, 28), np.uint8)).shape == (2, 11)


def test_training_that_is_complete_is_not_done_again(trained: Path, digit_sets: Path) -> None:
    checkpoint = trained.parent / "checkpoint.pt"
    before, weights = checkpoint.stat().st_mtime_ns, trained.read_bytes()
    assert train(digit_sets, trained.parent, KNOBS, workers=1) == trained
    assert checkpoint.stat().st_mtime_ns == before
    assert trained.read_bytes() == weights


def test_same_seed_gives_the_same_weights(trained: Path, begun: Path, digit_sets: Path) -> None:
    assert train(digit_sets, begun, KNOBS, workers=1).read_bytes() == trained.read_bytes()


def interrupt_at(call: int) -> Callable[..., object]:
    """`predict`, but for one call at which somebody presses Ctrl-C."""
    calls = 0

    def interrupted(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return predict(*arguments)  # type: ignore[arg-type]

    return interrupted


def test_killed_training_goes_on_and_ends_as_an_undisturbed_one(trained: Path, begun: Path, digit_sets: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "predict", interrupt_at(3))
        with pytest.raises(KeyboardInterrupt):
            train(digit_sets, begun, KNOBS, workers=1)
    assert (begun / "checkpoint.pt").is_file()
    assert not (begun / "digits.safetensors").exists()
    torch.manual_seed(99)
    assert train(digit_sets, begun, KNOBS, workers=1).read_bytes() == trained.read_bytes()


def test_folder_of_a_training_with_other_knobs_is_refused(trained: Path, digit_sets: Path) -> None:
    with pytest.raises(InputError, match="choose another --out"):
        train(digit_sets, trained.parent, replace(KNOBS, epochs=3), workers=1)


def test_training_without_digits_says_what_to_do(tmp_path: Path, begun: Path) -> None:
    for out in (tmp_path / "out", begun):
        with pytest.raises(InputError, match=r"lacks mnist_train\.npz.*point --data"):
            train(tmp_path, out, KNOBS, workers=1)


def test_distorted_crops_stay_crops_and_come_from_the_generator() -> None:
    crops = torch.zeros(64, 1, 28, 28)
    crops[:, :, 6:22, 11:17] = 1
    first, again, other = (distort(crops, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == crops.shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, crops)
    ink = first.sum((1, 2, 3)) / crops.sum((1, 2, 3))
    assert float(ink.mean()) == pytest.approx(1, abs=0.15)


def test_predictions_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    net = Net(4)
    crops = np.random.default_rng(0).integers(0, 256, (520, 28, 28), dtype=np.uint8)
    together = predict(net, crops)
    assert together.shape == (520, 11)
    assert np.abs(together[500:] - predict(net, crops[500:])).max() < 1e-4
    assert predict(net, crops[:0]).shape == (0, 11)
