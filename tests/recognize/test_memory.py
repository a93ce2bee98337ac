"""A device that runs out of memory costs time, never a reading: batches are halved, then the CPU takes over."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from docproc.recognize.classifier import BATCH, load
from docproc.recognize.line_net import LineNet, LineShape
from docproc.recognize.line_reader import LineReader, load_line_reader
from docproc.recognize.memory import ask_within_memory, copy_to_cpu, place
from docproc.recognize.net import Cascade, make_shape
from docproc.train.fit import save
from docproc.train.modelfile import save_model
from docproc.types import Crops

EMPTY = "meta"
"""A device of torch that holds no data, so that nothing ever comes of asking there: the fullest of all."""


ABSENT = "fpga"
"""A device that takes nothing at all."""


class Narrow(nn.Module):
    """A net on a device that has room for a batch of a few only."""

    def __init__(self, net: nn.Module, room: int) -> None:
        super().__init__()
        self.net, self.room = net, room
        self.asked: list[int] = []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.asked.append(len(batch))
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("no room")
        scores: torch.Tensor = self.net(batch)
        return scores


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    return save(Cascade(make_shape(2, 1, 8), make_shape(4, 1, 16)).eval(), {}, tmp_path)


@pytest.fixture
def line_reader(tmp_path: Path) -> LineReader:
    torch.manual_seed(1)
    shape = LineShape(2, (3,), (4,), (6,), 7, (1,))
    return load_line_reader(save_model(LineNet(shape), tmp_path / "lines.safetensors", {"shape": asdict(shape)}), "cpu")


def noise(count: int) -> Crops:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize("room", [1, 3, 100])
def test_batches_are_halved_until_they_fit_and_keep_their_order(model: Path, room: int) -> None:
    crops, roomy = noise(BATCH + 44), load(model, "cpu")
    narrow = Narrow(roomy.scout, room)
    outcome = replace(roomy, scout=narrow).classify(crops)
    assert np.abs(outcome - roomy.classify(crops)).max() < 1e-2
    assert np.array_equal(outcome.argmax(2), roomy.classify(crops).argmax(2))
    halved = [BATCH >> step for step in range(9) if BATCH >> step > room]
    assert narrow.asked[: len(halved)] == halved
    assert set(narrow.asked[len(halved) :]) == {halved[-1] // 2}


def test_what_a_cpu_cannot_hold_one_by_one_is_an_error(model: Path) -> None:
    roomy = load(model, "cpu")
    with pytest.raises(torch.OutOfMemoryError):
        replace(roomy, scout=Narrow(roomy.scout, 0)).classify(noise(5))


def test_full_device_leaves_the_work_to_the_cpu(model: Path, line_reader: LineReader) -> None:
    crops, classifier = noise(300), load(model, "cpu")
    assert np.array_equal(replace(classifier, device=EMPTY).classify(crops), classifier.classify(crops))
    lines = [np.random.default_rng(width).integers(0, 256, (2, 32, width), dtype=np.uint8) for width in (40, 9, 120)]
    for row, same in zip(replace(line_reader, device=EMPTY).read(lines), line_reader.read(lines), strict=True):
        assert np.array_equal(row, same)


def test_sizes_are_halved_before_the_cpu_is_asked() -> None:
    asked: list[tuple[str, int]] = []

    def ask(net: nn.Module, device: str, size: int) -> str:
        asked.append((device, size))
        if device != "cpu" or size > 32:
            raise torch.OutOfMemoryError("no room")
        return "done"

    assert ask_within_memory(ask, nn.Identity(), "card", 5, 64) == "done"
    assert asked == [("card", 5), ("card", 2), ("card", 1), ("cpu", 64), ("cpu", 32)]


def test_mistake_of_ours_is_not_taken_for_want_of_memory() -> None:
    def ask(net: nn.Module, device: str, size: int) -> str:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        ask_within_memory(ask, nn.Identity(), "card", 4, 64)


def test_net_that_finds_no_room_on_its_device_is_copied_from_where_it_is() -> None:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
    twin = copy_to_cpu(net)
    picture = torch.rand(1, 1, 5, 5).to(next(twin.parameters()).dtype)
    with torch.inference_mode():
        assert torch.equal(twin(picture), net.to(picture.dtype)(picture))
    assert not {id(one) for one in twin.parameters()} & {id(one) for one in net.parameters()}
    assert next(place(nn.Conv2d(1, 2, 3), EMPTY).parameters()).device.type == EMPTY
    assert next(place(nn.Conv2d(1, 2, 3), ABSENT).parameters()).device.type == "cpu"
