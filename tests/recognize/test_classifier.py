"""Weights that fit their card give chances, the same in any company; others are refused with advice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from docproc.errors import Exit, ModelError, UsageError
from docproc.recognize import classifier as recognizing
from docproc.recognize.classifier import SHIPPED, Classifier, choose_device, load
from docproc.recognize.net import Net
from docproc.segment.normalize import normalize_glyph
from docproc.train.ink import ink_strokes
from docproc.train.pen import digit_strokes, draw_writer
from docproc.types import NOT_A_DIGIT, Calibration, Crops

WIDTH = 4
shipped = pytest.mark.skipif(not any(path.is_file() for path in SHIPPED), reason="no trained weights yet")


def write_model(folder: Path, data: bytes = b"", **changed: object) -> Path:
    """Untrained weights (or other bytes) and the card that fits them, but for what is changed."""
    weights = folder / "model.safetensors"
    if data:
        weights.write_bytes(data)
    else:
        torch.manual_seed(0)
        save_file({name: value.contiguous() for name, value in Net(WIDTH).state_dict().items()}, weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    card = {"width": WIDTH, "temperature": 1.0, "field_scale": 0.7, "field_offset": -0.2, "sha256": digest, **changed}
    weights.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return weights


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path)


def noise(count: int) -> Crops:
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def test_card_gives_calibration_and_the_digest_covers_card_and_weights(tmp_path: Path) -> None:
    first = load(write_model(tmp_path), "cpu")
    assert first.calibration == Calibration(0.7, -0.2)
    assert first.device == "cpu"
    assert load(tmp_path / "model.safetensors", "cpu").digest == first.digest
    assert load(write_model(tmp_path, field_offset=-0.3), "cpu").digest != first.digest


@pytest.mark.parametrize("count", [0, 1, 5])
def test_each_row_is_a_distribution(model: Path, count: int) -> None:
    probs = load(model, "cpu").classify(noise(count))
    assert probs.shape == (count, 11)
    assert probs.dtype == np.float32
    assert (probs >= 0).all()
    assert probs.sum(1) == pytest.approx(np.ones(count), abs=1e-5)


@pytest.mark.parametrize("batch", [1, 7, 60, 64])
def test_answers_do_not_depend_on_the_batch(model: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = noise(60)
    reader = load(model, "cpu")
    together = reader.classify(crops)
    monkeypatch.setattr(recognizing, "BATCH", batch)
    assert np.abs(reader.classify(crops) - together).max() < 1e-5


def test_answers_do_not_depend_on_the_order(model: Path) -> None:
    crops = noise(40)
    reader = load(model, "cpu")
    order = np.random.default_rng(0).permutation(40)
    assert np.abs(reader.classify(crops[order]) - reader.classify(crops)[order]).max() < 1e-5


def test_temperature_cools_and_keeps_the_order(tmp_path: Path) -> None:
    crops = noise(20)
    sharp = load(write_model(tmp_path, temperature=0.5), "cpu").classify(crops)
    flat = load(write_model(tmp_path, temperature=5.0), "cpu").classify(crops)
    assert np.array_equal(sharp.argmax(1), flat.argmax(1))
    assert (sharp.max(1) > flat.max(1)).all()


Spoil = Callable[[Path], object]
SPOILED: dict[str, Spoil] = {
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no card": lambda folder: (folder / "model.json").unlink(),
    "card of other weights": lambda folder: write_model(folder, sha256="0" * 64),
    "one bit of the weights": lambda folder: flip_bit(folder / "model.safetensors"),
    "card cut short": lambda folder: (folder / "model.json").write_text('{"width": 4,'),
    "card is a list": lambda folder: (folder / "model.json").write_text("[1]"),
    "card in no text": lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe\x00"),
    "weights are something else": lambda folder: write_model(folder, data=b"not weights at all" * 99),
    "weights of another width": lambda folder: write_model(folder, width=WIDTH + 4),
    "width below nothing": lambda folder: write_model(folder, width=-1),
    "width without end": lambda folder: write_model(folder, width=float("inf")),
    "no temperature": lambda folder: write_model(folder, temperature=None),
    "temperature of nothing": lambda folder: write_model(folder, temperature=0),
    "temperature that is no number": lambda folder: write_model(folder, temperature=float("nan")),
    "calibration upside down": lambda folder: write_model(folder, field_scale=-1),
    "calibration beyond reason": lambda folder: write_model(folder, field_offset=1e9),
}


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_spoiled_model_is_refused_with_advice(model: Path, spoil: Spoil) -> None:
    spoil(model.parent)
    with pytest.raises(ModelError, match=r"model\.safetensors.*(install (it )?again|train anew)") as caught:
        load(model, "cpu")
    assert caught.value.code == Exit.MODEL == 5


def test_device_is_chosen_and_an_absent_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == "cpu"
    for name in ("cuda", "mps"):
        with pytest.raises(UsageError, match=f"{name}.*leave --device out"):
            choose_device(name)
    with pytest.raises(UsageError, match=r"auto, cpu, cuda or mps") as caught:
        choose_device("tpu")
    assert caught.value.code == Exit.USAGE
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == "cuda"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "mps"


@pytest.fixture(scope="module")
def reader() -> Classifier:
    return load(None, "cpu")


def crop_of(coverage: np.ndarray) -> np.ndarray:
    """Normalize a drawing, float 0..1 with a margin, as if its ink were one segment."""
    own = coverage > 0.5
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    tight = (slice(rows[0] - 1, rows[-1] + 2), slice(columns[0] - 1, columns[-1] + 2))
    return normalize_glyph(np.round(255 * coverage[tight]).astype(np.uint8), own[tight], own[tight])


def written_digit(rng: np.random.Generator, digit: int, hand: int, height: int = 60) -> np.ndarray:
    drawn = [stroke * height for stroke in digit_strokes(rng, digit, draw_writer(hand))]
    corner = np.concatenate(drawn).min(0) - 0.2 * height
    strokes = [stroke - corner for stroke in drawn]
    columns, rows = (int(size + 0.2 * height) for size in np.concatenate(strokes).max(0))
    return ink_strokes(rng, strokes, 0.1 * height, 0.1, (rows, columns))


@shipped
def test_shipped_model_reads_clean_drawn_digits(reader: Classifier) -> None:
    """Ten hands that no training saw; the early model reads 97 of these 100."""
    rng = np.random.default_rng(0)
    crops = np.array([crop_of(written_digit(rng, digit, hand)) for hand in range(10) for digit in range(10)])
    named = reader.classify(crops).argmax(1).reshape(10, 10)
    assert (named == np.arange(10)).sum() >= 92


def drawing(*lines: tuple[int, int, int, int], width: int = 5) -> np.ndarray:
    canvas = np.zeros((80, 80), np.uint8)
    for x, y, x2, y2 in lines:
        cv2.line(canvas, (x, y), (x2, y2), 255, width)
    return canvas / np.float32(255)


NO_DIGITS = {
    "box corner at the top left": drawing((12, 68, 12, 12), (12, 12, 68, 12)),
    "box corner at the bottom left": drawing((12, 12, 12, 68), (12, 68, 68, 68)),
    "box corner at the bottom right": drawing((12, 68, 68, 68), (68, 68, 68, 12)),
    "empty tick box": drawing((12, 12, 68, 12), (68, 12, 68, 68), (68, 68, 12, 68), (12, 68, 12, 12)),
    "filled block": drawing((30, 40, 50, 40), width=40),
    "dash": drawing((12, 40, 68, 40)),
    "cross": drawing((12, 12, 68, 68), (68, 12, 12, 68)),
    "plus": drawing((12, 40, 68, 40), (40, 12, 40, 68)),
}


@shipped
@pytest.mark.parametrize("name", NO_DIGITS)
def test_shipped_model_rejects_what_is_no_digit(reader: Classifier, name: str) -> None:
    (row,) = reader.classify(crop_of(NO_DIGITS[name])[None])
    assert row.argmax() == NOT_A_DIGIT
