"""What a card says is checked before it is believed; a device is one that is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from docproc.errors import Exit, ModelError, UsageError
from docproc.recognize.weights import (
    MOST_CHANNELS,
    bounded,
    check_channels,
    choose_device,
    choose_precision,
    find_shipped,
    load_net,
)
from docproc.train.modelfile import amend_card, save_model


def build(card: Mapping[str, Any]) -> nn.Module:
    return nn.Sequential(nn.Linear(3, card["width"]), nn.BatchNorm1d(card["width"]), nn.Linear(card["width"], 1))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return save_model(build({"width": 2}), tmp_path / "small.safetensors", {"width": 2})


def test_net_is_the_one_that_was_saved_ready_to_be_asked(weights: Path) -> None:
    torch.manual_seed(0)
    saved = build({"width": 2})
    net, card, digest = load_net(weights, build)
    assert not net.training
    assert all(torch.equal(value, saved.state_dict()[name]) for name, value in net.state_dict().items())
    assert card["width"] == 2
    text = weights.with_suffix(".json").read_bytes()
    assert digest == hashlib.sha256(weights.read_bytes() + text).hexdigest()


def test_refusal_is_one_line_however_many_weights_do_not_fit(weights: Path) -> None:
    amend_card(weights, {"width": 5})
    with pytest.raises(ModelError, match=r"small\.safetensors.*install again") as caught:
        load_net(weights, build)
    assert "\n" not in str(caught.value)
    assert caught.value.code == Exit.MODEL


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_number_outside_its_bounds_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not possible"):
        bounded(value, 0, 1)


def test_bounds_themselves_are_possible() -> None:
    assert (bounded(0, 0, 1), bounded(1, 0, 1)) == (0.0, 1.0)


@pytest.mark.parametrize("count", [0, -1, MOST_CHANNELS + 1, 1.0, "3", None, [4]])
def test_layer_of_no_or_endless_channels_is_refused(count: object) -> None:
    check_channels(1, MOST_CHANNELS)
    with pytest.raises(ValueError, match="channels are not possible"):
        check_channels(8, count)


def test_weights_that_are_not_shipped_have_a_place_all_the_same() -> None:
    path = find_shipped("nothing-of-ours")
    assert not path.exists()
    assert (path.parent.name, path.name) == ("models", "nothing-of-ours.safetensors")


@pytest.mark.parametrize("has", [True, False])
def test_half_precision_is_used_where_the_device_computes_in_it(has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    assert choose_precision("cpu") is (torch.bfloat16 if has else torch.float32)
    assert choose_precision("cuda") is torch.bfloat16
    assert choose_precision("mps") is torch.float32


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
