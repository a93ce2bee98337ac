"""Weights → calibrated chances, in batches, on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from docproc.errors import ModelError
from docproc.recognize.memory import ask_within_memory, place
from docproc.recognize.net import CLASSES, Cascade, Net, Shape
from docproc.recognize.weights import (
    bounded,
    check_channels,
    choose_device,
    choose_precision,
    find_shipped,
    load_net,
    resolve,
)
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, NEUTRAL, STYLES, Calibration, Crops, Joint, Scale

BATCH, READER_BATCH = 256, 64
"""Crops that scout and reader look at together on a CPU; larger batches save next to nothing there. The reader gets few
crops of a page, so that much of a large batch would be filling."""
GPU_BATCH, GPU_READER_BATCH = 8192, 1024
SURE = 0.98
"""What the small net is less sure of than this, the large net decides."""
MOST_TEMPERATURE, MOST_WEIGHT = 100.0, 100.0
"""A card that says more than these is no card of ours; no logarithm or exponent overflows below them."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """Loaded networks; `digest` names their weights and card, so that a ledger knows which readings are stale."""

    scout: nn.Module
    reader: nn.Module
    temperatures: tuple[float, float]
    device: str
    digest: str
    calibration: Calibration

    def classify(self, crops: Crops) -> Joint:
        """Chance of each style and class for each crop: float32[n, 2, 11], each [2, 11] sums to 1."""
        joint = self.ask_scout(crops)
        # Whatever the style: on a page the other digits say which it is.
        unsure = np.flatnonzero(joint.sum(1).max(1) < SURE)
        joint[unsure] = self.ask_reader(crops[unsure])
        return joint

    def ask_scout(self, crops: Crops) -> Joint:
        """What the small net alone says of each crop: float32[n, 2, 11]."""
        return self._run(self.scout, crops, self.temperatures[0], GPU_BATCH, BATCH)

    def ask_reader(self, crops: Crops) -> Joint:
        """What the large net alone says of each crop: float32[n, 2, 11]."""
        return self._run(self.reader, crops, self.temperatures[1], GPU_READER_BATCH, READER_BATCH)

    def _run(self, net: nn.Module, crops: Crops, temperature: float, size: int, size_on_cpu: int) -> Joint:
        """All crops through one net, in batches of one size, or of what its device can hold.

        A library computes a batch of another size by another kernel, which rounds otherwise. The last batch is filled
        up, so that a crop's chances are the same to the last bit in any company, and a resumed run writes the same CSV.
        """

        def ask(net: nn.Module, device: str, size: int) -> Joint:
            starts = range(0, len(crops), size)
            parts = [_look(net, crops[start : start + size], temperature, device, size) for start in starts]
            return np.concatenate([np.zeros((0, len(STYLES), CLASSES), np.float32), *parts])

        return ask_within_memory(ask, net, self.device, size_on_cpu if self.device == "cpu" else size, size_on_cpu)


def load(weights: Path | None = None, device: str = "auto", renew: bool = False) -> Classifier:
    """Load weights (None: the shipped ones) and the card beside them onto a device.

    To `renew` the calibration of fields, what the card says of it is left out: it may be that of another version.
    """
    path = find_weights(weights)
    nets, card, digest = load_nets(path)
    try:
        calibration = read_calibration(card, renew)
        first, second = (bounded(value, 0.01, MOST_TEMPERATURE) for value in card["temperatures"])
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"cannot use {path.with_suffix('.json')}: {error}; install it again, or calibrate") from error
    chosen = choose_device(device)
    if chosen == "cpu":
        torch.set_num_threads(1)  # the other cores prepare pages
    scout, reader = (_place(net, chosen) for net in (nets.scout, nets.reader))
    return Classifier(scout, reader, (first, second), chosen, digest, calibration)


def find_weights(given: Path | None) -> Path:
    """The weights that were given, by their file or their folder, or else the shipped ones.

    Whether they can be used shows when they are loaded. Raises ModelError where a folder does not say which to take.
    """
    return resolve(given) if given else find_shipped("digits")


def load_nets(path: Path) -> tuple[Cascade, dict[str, Any], str]:
    """The nets of a weights file as they were trained, their card, and the digest of both. Raises ModelError."""
    return load_net(path, lambda card: Cascade(*(_read_shape(card["shapes"][name]) for name in ("scout", "reader"))))


def read_calibration(card: Mapping[str, Any], renew: bool = False) -> Calibration:
    """The calibration that a card states, but that of fields if it is to be renewed.

    Raises KeyError, TypeError or ValueError where it is not possible.
    """
    weight, shift = card["style"]
    style = (bounded(weight, 0, MOST_WEIGHT), bounded(shift, -MOST_WEIGHT, MOST_WEIGHT))
    if renew:
        return replace(NEUTRAL, style=style)
    alone, checked = _read_scale(card["alone"], EVIDENCE), _read_scale(card["checked"], CHECKED_EVIDENCE)
    return Calibration(alone, checked, style, str(card["partner"]))


def _read_scale(stated: Mapping[str, Any], names: tuple[str, ...]) -> Scale:
    field = dict(stated["field"])
    offset = bounded(field.pop("offset"), -MOST_WEIGHT, MOST_WEIGHT)
    if set(field) != set(names):
        raise ValueError(f"its field calibration names {sorted(field)}, not {sorted(names)}")
    weights = tuple(bounded(field[name], -MOST_WEIGHT, MOST_WEIGHT) for name in names)
    thresholds = tuple((bounded(error, 0, 1), bounded(least, 0, 1)) for error, least in stated["thresholds"])
    return Scale(weights, offset, thresholds)


def _look(net: nn.Module, crops: Crops, temperature: float, device: str, size: int) -> NDArray[np.float32]:
    filled = np.zeros((size, *crops.shape[1:]), np.uint8)
    filled[: len(crops)] = crops
    with torch.inference_mode():
        batch = torch.from_numpy(filled).to(device)[:, None].to(choose_precision(device)).div_(255)
        scores: Tensor = net(batch.contiguous(memory_format=torch.channels_last)).float().flatten(1) / temperature
        return np.asarray(torch.softmax(scores, 1).view(-1, len(STYLES), CLASSES).cpu().numpy()[: len(crops)])


def _read_shape(stated: Mapping[str, Any]) -> Shape:
    shape = Shape(stated["stem"], tuple(stated["first"]), tuple(stated["second"]), stated["hidden"])
    channels = (shape.stem, *shape.first, *shape.second, shape.hidden)
    check_channels(*channels)
    return shape


def _place(net: Net, device: str) -> nn.Module:
    """A net for inference on a device: batch norm folded into the convolutions, channels last, half precision."""
    layers = [*net.features, *net.head]
    folded: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = folded.pop()
            assert isinstance(convolution, nn.Conv2d)
            folded.append(fuse_conv_bn_eval(convolution, layer))
        else:
            folded.append(layer)
    return place(nn.Sequential(*folded).eval(), device)
