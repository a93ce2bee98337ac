"""The mean of two nets of one shape, such as one before and after more training:
`python scripts/mean_weights.py A.safetensors B.safetensors --share 0.6 --out DIR`.

Both are digit readers, or both are readers of rows. SHARE is that of B. The mean often reads better than either
(Wortsman et al., Model soups, ICML 2022). DIR takes weights and card; `docproc calibrate` then fits what it says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from docproc.errors import DocprocError
from docproc.recognize.classifier import load_nets
from docproc.recognize.line_reader import NAME, load_line_net
from docproc.train.modelfile import save_model, state_calibration
from docproc.types import NEUTRAL

KEPT = ("shape", "shapes", "data", "held_out")
"""What the card of the mean has from that of A."""


def main() -> None:
    """Load both, write the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, metavar="A.safetensors")
    parser.add_argument("second", type=Path, metavar="B.safetensors")
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    given = parser.parse_args()
    if not 0 < given.share < 1 or given.first.name != given.second.name:
        parser.error("--share lies between 0 and 1, and A and B have one name")
    try:
        print(write_mean(given.first, given.second, given.share, given.out))
    except DocprocError as error:
        parser.exit(error.code, f"{error}\n")


def write_mean(first: Path, second: Path, share: float, out: Path) -> Path:
    """Write the mean, with `share` of the second, and return where it lies."""
    of_rows = first.stem == NAME
    load = load_line_net if of_rows else load_nets
    (net, card, _), (other, other_card, _) = load(first), load(second)
    own, added = net.state_dict(), other.state_dict()
    mixed = {
        name: value.lerp(added[name], share) if value.is_floating_point() else value for name, value in own.items()
    }
    net.load_state_dict(mixed)
    parts = ((1 - share, card), (share, other_card))
    told = [{"share": part, "sha256": its["sha256"], "recipe": its.get("recipe")} for part, its in parts]
    facts = {name: card[name] for name in KEPT if name in card}
    if not of_rows:
        facts |= {"temperatures": (1.0, 1.0), **state_calibration(NEUTRAL)}
    out.mkdir(parents=True, exist_ok=True)
    return save_model(net, out / first.name, {**facts, "recipe": {"mean": told}}, half=of_rows)


if __name__ == "__main__":
    main()
