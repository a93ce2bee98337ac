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
from docproc.recognize.classifier import load, load_nets
from docproc.recognize.net import Net, make_shape
from docproc.train import fit
from docproc.train.fit import Knobs, average, choose_optimizer, predict, train

KNOBS = Knobs(fields=100, epochs=2, batch=64, width=4, scout_width=2)


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
    assert card["scores"]["epoch"] == 2
    assert card["training_crops"] > 100
    curve = cv2.imread(str(trained.parent / "curve.png"))
    assert curve is not None
    assert min(curve.shape[:2]) > 300
    classifier = load(trained, "cpu")
    assert classifier.classify(np.zeros((2, 28, 28), np.uint8)).shape == (2, 2, 11)


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
        patch.setattr(fit, "predict", interrupt_at(4))
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


@pytest.mark.parametrize("steps", [0, 1, 5, 200])
def test_average_is_that_of_all_weights_at_first_and_of_the_last_ones_later(steps: int) -> None:
    kept = torch.tensor([2.0])
    for step in range(steps):
        kept = average(kept, torch.tensor([float(step)]), step, most=0.9)
    expected = {0: 2.0, 1: 0.0, 5: 2.0}
    if steps in expected:
        assert float(kept) == pytest.approx(expected[steps])
    else:
        assert float(kept) == pytest.approx(steps - 10, abs=0.01)
    assert average(torch.tensor(3), torch.tensor(4), 7, most=0.9) == 4


@pytest.mark.parametrize("knobs", [Knobs(optimizer="adamw"), Knobs(optimizer="sgd", rate=0.1)])
def test_optimizer_makes_one_cycle_of_its_rate(knobs: Knobs) -> None:
    optimizer, schedule = choose_optimizer(torch.nn.Linear(2, 2), knobs, 20)
    assert type(optimizer).__name__.lower() == knobs.optimizer
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if len(rates) < 20 else None
    assert max(rates) == pytest.approx(knobs.rate, rel=0.01)
    assert rates.index(max(rates)) in (2, 3)
    assert rates[-1] < 0.01 * knobs.rate


def test_predictions_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    net = Net(make_shape(4, 1))
    crops = np.random.default_rng(0).integers(0, 256, (520, 28, 28), dtype=np.uint8)
    together = predict(net, crops)
    assert together.shape == (520, 11)
    assert np.abs(together[500:] - predict(net, crops[500:])).max() < 1e-4
    assert predict(net, crops[:0]).shape == (0, 11)


def test_training_goes_on_from_other_weights(trained: Path, begun: Path, digit_sets: Path) -> None:
    gentle = replace(KNOBS, epochs=1, rate=1e-6)
    later = train(digit_sets, begun, gentle, workers=1, start=trained)
    card = json.loads(later.with_suffix(".json").read_text(encoding="utf-8"))
    first = json.loads(trained.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["recipe"]["start"] == {"sha256": first["sha256"], "recipe": asdict(KNOBS)}
    assert "width" not in card["recipe"]
    with pytest.raises(InputError, match="other knobs"):
        train(digit_sets, begun, gentle, workers=1)
    before, after = (load_nets(path)[0].reader.features[0].weight for path in (trained, later))
    assert torch.allclose(before, after, atol=1e-3)
    assert not torch.equal(before, after)
