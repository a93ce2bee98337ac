"""Both readers of a run, loaded together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from docproc.errors import ModelError
from docproc.recognize.classifier import Classifier, find_weights, load
from docproc.recognize.line_reader import LineReader, load_line_reader
from docproc.types import Calibration


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """The reader of single digits, whose card holds the calibration of both, and the reader of whole rows."""

    classifier: Classifier
    line_reader: LineReader

    @property
    def digest(self) -> str:
        """Names all weights and cards, so that a ledger knows which readings are stale."""
        return hashlib.sha256((self.classifier.digest + self.line_reader.digest).encode()).hexdigest()

    @property
    def calibration(self) -> Calibration:
        """How evidence becomes confidence."""
        return self.classifier.calibration


def load_models(weights: Path | None, device: str = "auto") -> Models:
    """Load weights (None: the shipped ones) and the reader of rows beside them.

    Raises ModelError where they cannot be loaded, or where their confidence was fitted with another reader of rows.
    """
    classifier = load(weights, device)
    line_reader = load_line_reader(weights, classifier.device)
    if classifier.calibration.partner not in ("", line_reader.digest):
        raise ModelError(
            f"{find_weights(weights)} was calibrated with another reader of rows; put that one beside it, "
            "or run docproc calibrate"
        )
    return Models(classifier, line_reader)
