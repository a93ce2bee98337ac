"""Whether the bound of an audit holds, on invented batches of which it is known what is wrong.

    python benchmarks/audit.py [--fields 20000] [--batches 100]

Each batch is reviewed with perfect eyes as its budget says (0.5 % wrong values borne), the rest is audited, and while
the audit finds too many, the threshold is raised and the rest audited again.
"""

from __future__ import annotations

import argparse
import statistics

from docproc.train.rehearsal import invent_batch, rehearse


def main() -> None:
    """Print how often the bound held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fields", type=int, default=20_000)
    parser.add_argument("--batches", type=int, default=100)
    given = parser.parse_args()
    print(
        "wrong, times what is said | sample | first bound held | last bound held | audits | looked at | truth | bound"
    )
    for times in (1.0, 3.0, 10.0):
        for sample in (300, 1497):
            rounds = [
                rehearse(invent_batch(seed, given.fields, times), sample, 0.005, seed) for seed in range(given.batches)
            ]
            first = sum(audits[0].holds for audits in rounds)
            last = sum(audits[-1].holds for audits in rounds)
            count = statistics.mean(len(audits) for audits in rounds)
            looked = 1 - statistics.mean(audits[-1].accepted for audits in rounds) / given.fields
            truth = statistics.mean(audits[-1].left / max(1, audits[-1].accepted) for audits in rounds)
            bound = statistics.mean(audits[-1].bound for audits in rounds)
            print(
                f"{times:25.0f} | {sample:6} | {first:16} | {last:15} | {count:6.1f} | {looked:9.1%} | {truth:.3%} |"
                f" {bound:.3%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
