"""Weights → calibrated probabilities, in batches, on a device."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_weights
from torch import Tensor

from docproc.errors import ModelError, UsageError
from docproc.recognize.net import CLASSES, Net
from docproc.recognize.variants import vary
from docproc.types import Calibration, Crops, Probs

BATCH = 256
"""Eager mode on a CPU is fastest between 64 and 256: larger batches leave the cache."""
GPU_BATCH = 8192
SURE = 0.95
"""Crops less sure than this get a second look; they are few, so that it costs little."""
MOST_TEMPERATURE, MOST_SCALE, MOST_OFFSET = 100.0, 20.0, 100.0
"""A card that says more than these is no card of ours; no logarithm or exponent overflows below them."""
_PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED = (_PACKAGE / "models" / "digits.safetensors", _PACKAGE.parent / "models" / "digits.safetensors")
"""Where the shipped weights lie: in an installed wheel, or in a checkout."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A loaded network; `digest` names its weights and card, so that a ledger knows which readings are stale."""

    net: Net
    temperature: float
    device: str
    digest: str
    calibration: Calibration

    def classify(self, crops: Crops) -> Probs:
        """Chance of each class for each crop: float32[n, 11], rows sum to 1."""
        batch = BATCH if self.device == "cpu" else GPU_BATCH
        while True:
            try:
                parts = [self._scores(crops[i : i + batch]) for i in range(0, len(crops), batch)]
                return np.concatenate([np.zeros((0, CLASSES), np.float32), *parts])
            except torch.OutOfMemoryError:
                if batch == 1:
                    raise
                batch = max(1, batch // 2)

    def _scores(self, crops: Crops) -> Probs:
        with torch.inference_mode():
            batch = torch.from_numpy(crops).to(self.device)[:, None].float().div_(255)
            chances = self._look(batch)
            unsure = chances.max(1).values < SURE
            if unsure.any():
                looks = [chances[unsure], *(self._look(variant) for variant in vary(batch[unsure]))]
                chances[unsure] = torch.stack(looks).mean(0)
            return np.asarray(chances.cpu().numpy(), np.float32)

    def _look(self, batch: Tensor) -> Tensor:
        scores = self.net(batch.contiguous(memory_format=torch.channels_last)).float() / self.temperature
        return torch.softmax(scores, 1)


def load(weights: Path | None = None, device: str = "auto") -> Classifier:
    """Load weights (None: the shipped ones) and the card beside them onto a device."""
    path = weights or next((path for path in SHIPPED if path.is_file()), SHIPPED[0])
    card_path = path.with_suffix(".json")
    try:
        data = path.read_bytes()
        text = card_path.read_text(encoding="utf-8")
        card = json.loads(text)
        net = Net(int(card["width"]))
        if card["sha256"] != hashlib.sha256(data).hexdigest():
            raise ModelError(f"{path} does not match its card {card_path}; install it again, or train anew")
        net.load_state_dict(read_weights(data))
        thresholds = tuple((float(error), float(least)) for error, least in card.get("thresholds", ()))
        calibration = Calibration(float(card["field_scale"]), float(card["field_offset"]), thresholds)
        temperature = float(card["temperature"])
        if not 0 < temperature <= MOST_TEMPERATURE:
            raise ValueError(f"temperature {temperature} is not possible")
        if not (0 < calibration.scale <= MOST_SCALE and abs(calibration.offset) <= MOST_OFFSET):
            raise ValueError(f"{calibration} is not possible")
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]  # torch lists every weight that does not fit, a line each
        raise ModelError(f"cannot load the model {path}: {reason}; choose another --model or install again") from error
    chosen = choose_device(device)
    if chosen == "cpu":
        torch.set_num_threads(1)  # the other cores prepare pages
    net.eval()
    placed = net.to(chosen, memory_format=torch.channels_last)  # type: ignore[call-overload]
    digest = hashlib.sha256(data + text.encode()).hexdigest()
    return Classifier(placed, temperature, chosen, digest, calibration)


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
