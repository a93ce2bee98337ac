"""What teachers say of a crop, weighed against its label, is what a net learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from docproc.recognize.classifier import Classifier, load
from docproc.recognize.net import Cascade, make_shape
from docproc.train import fit, lessons
from docproc.train.crops import LabelledCrops
from docproc.train.fit import Knobs, save
from docproc.train.lessons import Lessons, diverge, gather_lessons, learn_lessons, teach, tell_truth
from docproc.train.variants import vary
from docproc.types import NOT_A_DIGIT

KNOBS = Knobs(fields=40, epochs=3, batch=16, rate=0.003, seed=5)


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Classifier]:
    """Two untrained models that differ, each with its own opinion."""
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        nets = Cascade(make_shape(2, 1), make_shape(4, 1, 16))
        with torch.no_grad():
            nets.reader.head[-1].weight *= 50
        made.append(load(save(nets, {}, tmp_path_factory.mktemp("teacher")), "cpu"))
    return made


@pytest.fixture
def known() -> LabelledCrops:
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (60, 7, 7), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    return LabelledCrops(crops, np.arange(60) % 11, rng.integers(-1, 2, 60))


def test_lesson_is_what_all_teachers_say_of_all_looks(teachers: list[Classifier], known: LabelledCrops) -> None:
    with fit.show_bar() as bar:
        taught = teach(teachers, known, 1.0, 3, 0.02, bar)
    assert not np.array_equal(taught.crops, known.crops)
    looks = (taught.crops, *vary(taught.crops))
    said = np.mean([teacher.ask_reader(look) for teacher in teachers for look in looks], axis=0)
    assert taught.wanted == pytest.approx(said, abs=1e-3)
    assert np.abs(teachers[0].ask_reader(looks[0]) - said).max() > 0.05


def test_label_has_the_share_that_the_teachers_lack(teachers: list[Classifier], known: LabelledCrops) -> None:
    with fit.show_bar() as bar:
        alone, weighed, truth = (teach(teachers, known, share, 3, 0.02, bar).wanted for share in (1.0, 0.4, 0.0))
    assert weighed == pytest.approx(0.4 * alone.astype(float) + 0.6 * truth.astype(float), abs=2e-3)
    assert truth[np.arange(60), :, known.labels].sum(1) == pytest.approx(0.98 + 0.02 / 11, abs=2e-3)


def test_style_that_is_known_is_told_and_another_is_as_the_teachers_say() -> None:
    told = np.zeros((2, 2, 11), np.float32)
    told[:, 0, 7], told[:, 1, 7], told[:, 0, 1] = 0.1, 0.3, 0.6
    truth = tell_truth(told, np.array([7, 7]), np.array([0, -1]), 0.02)
    even = 0.02 / 22
    assert truth[0, :, 7] == pytest.approx([0.98 + even, even])
    assert truth[1, :, 7] == pytest.approx([0.245 + even, 0.735 + even], abs=1e-3)
    assert truth.sum((1, 2)) == pytest.approx([1, 1])


def test_net_that_says_what_is_wanted_diverges_by_nothing() -> None:
    torch.manual_seed(0)
    scores = torch.randn(5, 2, 11)
    chances = torch.softmax(scores.flatten(1), 1).view(5, 2, 11)
    assert float(diverge(scores, chances)) == pytest.approx(0, abs=1e-6)
    assert float(diverge(scores, chances.flip(2))) > 0.1
    assert float(diverge(scores, 2 * chances)) == pytest.approx(0, abs=1e-6), "shares that were rounded"


def test_nets_come_to_say_what_lessons_want() -> None:
    torch.manual_seed(0)
    crops = np.zeros((64, 28, 28), np.uint8)
    crops[::2, :, :14] = 255
    wanted = np.full((64, 2, 11), 0.001, np.float16)
    wanted[::2, 1, 4], wanted[1::2, 0, NOT_A_DIGIT] = 0.98, 0.98
    knobs = replace(KNOBS, epochs=30, average=0.5)
    parts = fit.equip(Cascade(make_shape(2, 1), make_shape(4, 1, 16)), knobs, len(crops))
    with fit.show_bar() as bar:
        losses = [learn_lessons(parts, Lessons(crops, wanted), knobs, epoch, bar) for epoch in range(knobs.epochs)]
    assert losses[-1] < losses[0] / 4
    for net in (parts.settled.reader, parts.settled.scout):
        assert fit.predict(net, crops).argmax(1).tolist() == [4, NOT_A_DIGIT] * 32


def test_teachers_are_asked_once(
    teachers: list[Classifier], known: LabelledCrops, digit_sets: Path, tmp_path: Path
) -> None:
    with fit.show_bar() as bar:
        first = gather_lessons(digit_sets, tmp_path, teachers, known, KNOBS, bar)
        kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
        again = gather_lessons(digit_sets, tmp_path, teachers, known, KNOBS, bar)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
        others = gather_lessons(digit_sets, tmp_path, teachers[:1], known, KNOBS, bar)
    assert len(first) == lessons.VARIANTS == len(kept)
    assert np.array_equal(first[1].wanted, again[1].wanted)
    assert not np.array_equal(first[0].crops, first[1].crops)
    assert not np.array_equal(first[0].wanted, others[0].wanted)
    assert len(first[0].crops) > len(known.crops), "glyphs drawn alone are among them"
