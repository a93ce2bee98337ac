"""Commands of the laboratory: to make a network, measure it and change it. `cli` puts them beside the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from docproc.apps.reading import Device, Model
from docproc.errors import UsageError

laboratory = typer.Typer()
models = typer.Typer(no_args_is_help=True, help="Look at a trained model, or take it to other programs.")
laboratory.add_typer(models, name="models")

Start = Annotated[Path | None, typer.Option(metavar="FILE", help="Weights to go on from.")]
KnobsFile = Annotated[Path | None, typer.Option("--knobs", help="Knobs as a TOML file; docproc tune writes one.")]


@laboratory.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder with the training digits.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, card, curve and checkpoint.")],
    knobs_file: KnobsFile = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the digits.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed trains another network.")] = None,
    start: Start = None,
    attack: Annotated[
        float | None, typer.Option(min=0, max=0.2, metavar="SIZE", help="Train against changes of so much grey, of 1.")
    ] = None,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the digits.")] = 2,
) -> None:
    """Train the networks that read single digits. Killed, the same command goes on from the last epoch."""
    from dataclasses import replace

    from docproc.recognize.weights import choose_device
    from docproc.train.fit import Knobs
    from docproc.train.fit import train as fit
    from docproc.train.knobs import load_knobs

    knobs = Knobs() if knobs_file is None else load_knobs(knobs_file)
    knobs = replace(knobs, epochs=epochs or knobs.epochs, seed=knobs.seed if seed is None else seed)
    if attack is not None:
        knobs = replace(knobs, attack=attack)
    print(fit(data, out, knobs, choose_device(device), workers, start))


@laboratory.command()
def train_lines(
    data: Annotated[Path, typer.Option(help="Folder with the training digits.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, card and checkpoint.")],
    fields: Annotated[int | None, typer.Option(min=1, help="Fields to compose.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over them.")] = None,
    rate: Annotated[float | None, typer.Option(min=0, help="Highest rate of learning.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed trains another network.")] = None,
    start: Start = None,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that compose the fields.")] = 2,
) -> None:
    """Train the second reader, which reads whole rows. Killed, the same command goes on from the last epoch."""
    from dataclasses import replace

    from docproc.recognize.weights import choose_device
    from docproc.train.fit_lines import LineKnobs
    from docproc.train.fit_lines import train_lines as fit

    given: dict[str, Any] = {"fields": fields, "epochs": epochs, "rate": rate, "seed": seed}
    knobs = replace(LineKnobs(), **{name: value for name, value in given.items() if value is not None})
    print(fit(data, out, knobs, choose_device(device), workers, start))


@laboratory.command()
def tune(
    data: Annotated[Path, typer.Option(help="Folder with the training digits.")],
    out: Annotated[Path, typer.Option(help="Folder for the search, its table and picture, and the best knobs.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials to finish, pruned ones among them.")] = 20,
    fields: Annotated[int, typer.Option(min=1, help="Fields to compose for every trial.")] = 4000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the digits in a trial.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Another seed tries other knobs.")] = 1,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the digits.")] = 2,
) -> None:
    """Search for better knobs of the training. Killed, the same command goes on."""
    from docproc.recognize.weights import choose_device
    from docproc.train.trials import render_trials
    from docproc.train.tune import Search
    from docproc.train.tune import tune as search

    tried = search(data, out, Search(trials, fields, epochs, seed), choose_device(device), workers)
    print(render_trials(tried))
    print(out / "best.toml")


@laboratory.command()
def prune(
    data: Annotated[Path, typer.Option(help="Folder with the training digits.")],
    out: Annotated[Path, typer.Option(help="Folder for the smaller model's weights and card.")],
    model: Model = None,
    keep: Annotated[float, typer.Option(min=0.05, max=1, help="Share of each layer's channels that stays.")] = 0.5,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the digits afterwards.")] = 2,
    fields: Annotated[int, typer.Option(min=1, help="Fields to compose for them.")] = 8000,
    rate: Annotated[float | None, typer.Option(min=1e-7, help="Highest rate of learning.")] = None,
    teacher: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Weights to learn from as well; may be given often.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed composes other fields.")] = 1,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the digits.")] = 2,
) -> None:
    """Make the large network smaller, and let what is left learn from the whole."""
    from docproc.recognize.weights import choose_device
    from docproc.train.prune import prune as shrink
    from docproc.train.prune import render_pruned

    teachers = tuple(teacher or ())
    pruned = shrink(data, out, model, keep, epochs, fields, rate, teachers, seed, choose_device(device), workers)
    print(render_pruned(pruned))
    print(pruned.weights)


@laboratory.command()
def attack(
    data: Annotated[Path, typer.Option(help="Folder with the training digits.")],
    out: Annotated[Path, typer.Option(help="Folder for attack.csv, attack.json and attack.png.")],
    model: Model = None,
    count: Annotated[int, typer.Option(min=1, help="Digits to change, all of writers never seen.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed takes other digits.")] = 1,
    device: Device = "auto",
) -> None:
    """Measure how much it takes to make the network fail: by attack, by pen, by scan."""
    from docproc.recognize.weights import choose_device
    from docproc.train.attack import attack as measure
    from docproc.train.attack import render

    print(render(measure(data, out, model, count, seed, choose_device(device))))


@laboratory.command()
def calibrate(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH.csv", help="file,digits,set of the strips beside it.")],
    model: Annotated[Path, typer.Option(help="Weights whose card gets the calibration.")],
    digits: Annotated[
        list[Path] | None, typer.Option(metavar="FILE.npz", help="Single digits, x and y, for the temperatures.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Fit stated confidences to strips whose digits are known, so that 0.97 means 97 of 100."""
    from docproc.train.calibrate import calibrate as fit

    done = fit(truth, model, device, tuple(digits or ()))
    print(f"{done.right} of {done.fields} fields right; {model.with_suffix('.json')} has the calibration")
    print(
        f"on fields their fit has not seen: calibration error {done.error:.2%}, "
        f"{done.acceptable:.1%} could be accepted at 1 % error"
    )


@laboratory.command()
def evaluate(
    truth: Annotated[Path | None, typer.Argument(metavar="TRUTH.csv", help="What the fields hold.")] = None,
    results: Annotated[Path | None, typer.Argument(metavar="RESULTS.csv", help="What a run read.")] = None,
    digits: Annotated[Path | None, typer.Option(metavar="FILE.npz", help="Single digits instead, x and y.")] = None,
    ink: Annotated[Literal["auto", "low", "high"], typer.Option(help="Grey levels of the ink on them.")] = "auto",
    group: Annotated[
        str | None, typer.Option(metavar="NAME:SIZE", help="Digits of one writer are a page, as in writer:20.")
    ] = None,
    style: Annotated[
        Literal["auto", "american", "european"], typer.Option(help="How 1 and 7 are written on them.")
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for tables and pictures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Hold results, or readings of single digits, against the truth: accuracy, flags, calibration."""
    if digits is not None:
        if truth is not None or results is not None:
            raise UsageError("--digits goes without TRUTH.csv and RESULTS.csv; leave one or the other out")
        from docproc.train.digits import evaluate_digits, render_digits, write_digits

        figures = evaluate_digits(digits, out, ink, group, style, model, device)
        print(write_digits(figures) if json else render_digits(figures))
        return
    if truth is None or results is None:
        raise UsageError("evaluate needs TRUTH.csv and RESULTS.csv; name both, or a set of digits with --digits")
    if (ink, group, style, model, device) != ("auto", None, "auto", None, "auto"):
        raise UsageError("--ink, --group, --style, --model and --device go with --digits; leave them out")
    from docproc.train.evaluate import evaluate as score
    from docproc.train.evaluate import render, write_json

    report = score(truth, results, out)
    print(write_json(report) if json else render(report))


@models.command()
def show(model: Model = None) -> None:
    """Print the card of a model: its nets, its scores, what it was trained on."""
    from docproc.train.card import render_card

    print(render_card(model))


@models.command()
def export(
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the one format there is so far.")],
    out: Annotated[Path, typer.Option(metavar="FILE.onnx", help="The file; of both nets, FILE-scout and FILE-reader.")],
    net: Annotated[
        Literal["scout", "reader", "both"], typer.Option(help="The small net, the large one, or each in a file.")
    ] = "reader",
    model: Model = None,
) -> None:
    """Write networks for programs that have no torch."""
    from docproc.train.onnx import export as write

    for path in write(model, out, net):
        print(path)
