"""Weights and the card beside them, read and checked against each other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_weights
from torch import nn

from docproc.errors import ModelError, UsageError

MOST_CHANNELS = 1024
DIGITS, CURRENT = "digits.safetensors", "current"
"""In a model's folder: the weights, or which of several models is in use."""
MOST_NUMBER = 6
"""Characters of a number of a model."""
_PACKAGE = Path(__file__).resolve().parent.parent

N = TypeVar("N", bound=nn.Module)


def find_shipped(name: str) -> Path:
    """Where weights of this name lie that come with docproc: in an installed wheel, or in a checkout."""
    places = [folder / "models" / f"{name}.safetensors" for folder in (_PACKAGE, _PACKAGE.parent)]
    return next((path for path in places if path.is_file()), places[0])


def resolve(given: Path) -> Path:
    """The weights of the reader of digits that a path names: the file itself, or those in a model's folder.

    A folder that was adapted holds several models, each in a folder with a number, and a file that says which one is
    used. Raises ModelError where it says none.
    """
    if not given.is_dir():
        return given
    current = given / CURRENT
    if not current.is_file():
        return given / DIGITS
    try:
        with current.open(encoding="ascii") as stream:
            untrusted_number = stream.read(MOST_NUMBER + 1).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read {current}: {error}; choose another --model") from error
    if not re.fullmatch(f"[0-9]{{1,{MOST_NUMBER}}}", untrusted_number):
        raise ModelError(f"{current} names no model; write the number of a folder beside it into it")
    return given / untrusted_number / DIGITS


def load_net(path: Path, build: Callable[[dict[str, Any]], N]) -> tuple[N, dict[str, Any], str]:
    """The net that `build` makes for a card, with its weights; the card; the digest of both. Raises ModelError."""
    card_path = path.with_suffix(".json")
    try:
        data = path.read_bytes()
        text = card_path.read_text(encoding="utf-8")
        card = json.loads(text)
        net = build(card)
        if card["sha256"] != hashlib.sha256(data).hexdigest():
            raise ModelError(f"{path} does not match its card {card_path}; install it again, or train anew")
        net.load_state_dict(read_weights(data))
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]  # torch lists every weight that does not fit, a line each
        raise ModelError(f"cannot load the model {path}: {reason}; choose another --model or install again") from error
    net.eval()
    return net, card, hashlib.sha256(data + text.encode()).hexdigest()


def check_channels(*counts: Any) -> None:
    """Raise ValueError unless all are numbers of channels that a small net may have."""
    if not all(isinstance(count, int) and 0 < count <= MOST_CHANNELS for count in counts):
        raise ValueError(f"layers of {counts} channels are not possible")


def bounded(value: Any, low: float, high: float) -> float:
    """A number of a card; raises ValueError where it lies outside."""
    number = float(value)
    if not (isfinite(number) and low <= number <= high):
        raise ValueError(f"{number} is not possible")
    return number


def choose_precision(device: str) -> torch.dtype:
    """bfloat16 where the device computes in it, as graphics cards and recent CPUs do; it is twice as fast there."""
    # torch has no public way to ask a CPU for this.
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    has = ask() if device == "cpu" else device == "cuda"
    return torch.bfloat16 if has else torch.float32


def choose_device(name: str) -> str:
    """The device for a `--device` of auto, cpu, cuda or mps; asking for one that is not there is an error."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if name not in there:
        raise UsageError(f"--device {name}: choose auto, cpu, cuda or mps")
    if not there[name]:
        raise UsageError(f"--device {name}: this machine has none; leave --device out")
    return name
