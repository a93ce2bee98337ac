"""Weights that fit their card give chances, the same in any company; others are refused with advice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from docproc.errors import Exit, ModelError
from docproc.recognize import classifier as recognizing
from docproc.recognize.classifier import SURE, Classifier, find_weights, load, load_nets
from docproc.recognize.net import Cascade, Shape, make_shape
from docproc.segment.normalize import normalize_glyph
from docproc.train.ink import ink_strokes
from docproc.train.pen import digit_strokes, draw_writer
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, NOT_A_DIGIT, Calibration, Crops, Scale

SCOUT, READER = make_shape(2, 1, hidden=16), Shape(3, (5,), (7, 4), 6)
FIELD = {**dict.fromkeys(EVIDENCE, 0.0), "posterior": 0.7, "offset": -0.2}
CHECKED = {**dict.fromkeys(CHECKED_EVIDENCE, 0.0), "lead": 0.3, "offset": 0.1}
KEEN = 0.1
"""A temperature at which the untrained scout is sure of about half of the noise; at 1.0 it is sure of nothing."""
shipped = pytest.mark.skipif(not find_weights(None).is_file(), reason="no trained weights yet")


def write_model(folder: Path, data: bytes = b"", **changed: object) -> Path:
    """Untrained weights (or other bytes) and the card that fits them, but for what is changed."""
    weights = folder / "model.safetensors"
    if data:
        weights.write_bytes(data)
    else:
        save_file(opinionated_nets().state_dict(), weights)
    card = {
        "shapes": {"scout": asdict(SCOUT), "reader": asdict(READER)},
        "temperatures": [1.0, 1.0],
        "alone": {"field": FIELD, "thresholds": [[0.001, 0.99], [0.01, 0.9]]},
        "checked": {"field": CHECKED, "thresholds": []},
        "style": [0.5, -0.1],
        "partner": "",
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        **changed,
    }
    weights.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return weights


def scale(field: dict[str, float], thresholds: object = ()) -> dict[str, object]:
    """One of a card's two calibrations of fields."""
    return {"field": field, "thresholds": thresholds}


def opinionated_nets() -> Cascade:
    """Untrained nets that tell crops apart: fresh weights alone give every crop nearly the same chances."""
    torch.manual_seed(0)
    nets = Cascade(SCOUT, READER)
    with torch.no_grad():
        for net in (nets.scout, nets.reader):
            net.head[-1].weight *= 100
    return nets


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path)


def noise(count: int) -> Crops:
    """Patches of seven pixels, each crop of its own strength."""
    rng = np.random.default_rng(count)
    patches = rng.integers(0, 2, (count, 4, 4), dtype=np.uint8) * rng.integers(0, 256, (count, 1, 1), dtype=np.uint8)
    return patches.repeat(7, 1).repeat(7, 2)


def use_bfloat16(monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    """Let this machine be one whose CPU computes in bfloat16, or one whose CPU does not."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: wanted)


def test_card_gives_calibration_and_the_digest_covers_card_and_weights(tmp_path: Path) -> None:
    first = load(write_model(tmp_path), "cpu")
    weights = (0.7, *[0.0] * (len(EVIDENCE) - 1))
    alone = Scale(weights, -0.2, ((0.001, 0.99), (0.01, 0.9)))
    checked = Scale(tuple(CHECKED[name] for name in CHECKED_EVIDENCE), 0.1)
    assert first.calibration == Calibration(alone, checked, (0.5, -0.1))
    assert first.device == "cpu"
    assert load(tmp_path / "model.safetensors", "cpu").digest == first.digest
    assert load(write_model(tmp_path, style=[0.5, -0.2]), "cpu").digest != first.digest


@pytest.mark.parametrize("count", [0, 1, 5])
def test_each_crop_has_one_distribution_over_styles_and_classes(model: Path, count: int) -> None:
    joint = load(model, "cpu").classify(noise(count))
    assert joint.shape == (count, 2, 11)
    assert joint.dtype == np.float32
    assert (joint >= 0).all()
    assert joint.sum((1, 2)) == pytest.approx(np.ones(count), abs=1e-5)


def test_reader_decides_what_the_scout_doubts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_bfloat16(monkeypatch, False)
    weights, crops = write_model(tmp_path, temperatures=[KEEN, 0.5]), noise(60)
    nets, _, digest = load_nets(weights)

    def ask(net: torch.nn.Module, crops: np.ndarray, temperature: float) -> np.ndarray:
        with torch.inference_mode():
            scores = net(torch.from_numpy(crops)[:, None] / 255).flatten(1) / temperature
        return torch.softmax(scores, 1).view(-1, 2, 11).numpy()

    scouted, read = ask(nets.scout, crops, KEEN), ask(nets.reader, crops, 0.5)
    sure = scouted.sum(1).max(1) >= SURE
    assert 10 < sure.sum() < 50
    expected = np.where(sure[:, None, None], scouted, read)
    classifier = load(weights, "cpu")
    assert classifier.classify(crops) == pytest.approx(expected, abs=1e-4)
    assert classifier.digest == digest


AWKWARD = [(1, 2, 3, 4), (3, 61, 1, 64, 2), (65, 200, 1), (255, 2, 1), (256, 1), (0, 5, 0)]


@pytest.mark.parametrize("sizes", AWKWARD, ids=str)
@pytest.mark.parametrize("bfloat16", [False, True], ids=["float32", "bfloat16"])
def test_crop_gets_the_same_chances_to_the_last_bit_in_any_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], bfloat16: bool
) -> None:
    use_bfloat16(monkeypatch, bfloat16)
    classifier = load(write_model(tmp_path, temperatures=[KEEN, 1.0]), "cpu")
    crops = noise(sum(sizes))
    parts = np.split(crops, np.cumsum(sizes)[:-1])
    together = classifier.classify(crops)
    assert np.array_equal(np.concatenate([classifier.classify(part) for part in parts]), together)
    order = np.random.default_rng(0).permutation(len(crops))
    assert np.array_equal(classifier.classify(crops[order]), together[order])


@pytest.mark.parametrize("batch", [1, 7, 60, 64])
def test_answers_do_not_depend_on_the_size_of_a_batch(model: Path, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_bfloat16(monkeypatch, False)
    crops = noise(60)
    classifier = load(model, "cpu")
    together = classifier.classify(crops)
    monkeypatch.setattr(recognizing, "BATCH", batch)
    monkeypatch.setattr(recognizing, "READER_BATCH", batch)
    assert np.abs(classifier.classify(crops) - together).max() < 1e-5


def test_temperatures_cool_and_keep_the_order(tmp_path: Path) -> None:
    crops = noise(20)
    sharp = load(write_model(tmp_path, temperatures=[1.0, 0.5]), "cpu").classify(crops).reshape(20, 22)
    flat = load(write_model(tmp_path, temperatures=[1.0, 5.0]), "cpu").classify(crops).reshape(20, 22)
    assert np.array_equal(sharp.argmax(1), flat.argmax(1))
    assert (sharp.max(1) > flat.max(1)).all()


def shapes(**changed: object) -> dict[str, object]:
    """Shapes as a card states them, but for what is changed in the reader's."""
    return {"scout": asdict(SCOUT), "reader": {**asdict(READER), **changed}}


Spoil = Callable[[Path], object]
SPOILED: dict[str, Spoil] = {
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no card": lambda folder: (folder / "model.json").unlink(),
    "card of other weights": lambda folder: write_model(folder, sha256="0" * 64),
    "one bit of the weights": lambda folder: flip_bit(folder / "model.safetensors"),
    "card cut short": lambda folder: (folder / "model.json").write_text('{"shapes": {'),
    "card is a list": lambda folder: (folder / "model.json").write_text("[1]"),
    "card in no text": lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe\x00"),
    "weights are something else": lambda folder: write_model(folder, data=b"not weights at all" * 99),
    "no shapes": lambda folder: write_model(folder, shapes=None),
    "shape of one net only": lambda folder: write_model(folder, shapes={"scout": asdict(SCOUT)}),
    "shape without a layer": lambda folder: write_model(folder, shapes=shapes(first=[])),
    "weights of another shape": lambda folder: write_model(folder, shapes=shapes(hidden=READER.hidden + 4)),
    "shape below nothing": lambda folder: write_model(folder, shapes=shapes(stem=-1)),
    "shape without end": lambda folder: write_model(folder, shapes=shapes(stem=float("inf"))),
    "shape beyond reason": lambda folder: write_model(folder, shapes=shapes(second=[7, 10**6])),
    "no temperatures": lambda folder: write_model(folder, temperatures=None),
    "temperature of one net only": lambda folder: write_model(folder, temperatures=[1.0]),
    "temperature of nothing": lambda folder: write_model(folder, temperatures=[1.0, 0]),
    "temperature that is no number": lambda folder: write_model(folder, temperatures=[float("nan"), 1.0]),
    "calibration without its offset": lambda folder: write_model(folder, alone=scale(dict.fromkeys(EVIDENCE, 1.0))),
    "calibration of other evidence": lambda folder: write_model(folder, alone=scale({"offset": 0.0, "posterior": 1.0})),
    "calibration of rows read once": lambda folder: write_model(folder, checked=scale(FIELD)),
    "no calibration of rows read twice": lambda folder: write_model(folder, checked=None),
    "calibration beyond reason": lambda folder: write_model(folder, checked=scale({**CHECKED, "offset": 1e9})),
    "no thresholds": lambda folder: write_model(folder, alone={"field": FIELD}),
    "threshold above certainty": lambda folder: write_model(folder, alone=scale(FIELD, [[0.01, 1.5]])),
    "style upside down": lambda folder: write_model(folder, style=[-1, 0]),
    "style in one number": lambda folder: write_model(folder, style=1.0),
}


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_spoiled_model_is_refused_with_advice(model: Path, spoil: Spoil) -> None:
    spoil(model.parent)
    with pytest.raises(ModelError, match=r"model\.(safetensors|json).*(install (it )?again|train anew)") as caught:
        load(model, "cpu")
    assert caught.value.code == Exit.MODEL == 5


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
    """Ten hands that no training saw."""
    rng = np.random.default_rng(0)
    crops = np.array([crop_of(written_digit(rng, digit, hand)) for hand in range(10) for digit in range(10)])
    named = reader.classify(crops).sum(1).argmax(1).reshape(10, 10)
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
    (row,) = reader.classify(crop_of(NO_DIGITS[name])[None]).sum(1)
    assert row.argmax() == NOT_A_DIGIT
