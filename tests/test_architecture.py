"""The house rules that a machine can check: who imports whom, which room is pure, how long a file may grow."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "docproc"
MOST_LINES = 400
FEWEST_MODULES = 50
"""Fewer were there when the first pages were read: a scan that finds less has looked in the wrong place."""

NOUNS = {"types", "errors", "options"}
STAGES = {"pages", "clean", "fields", "segment", "recognize", "assemble", "records"}
MAY_IMPORT = {
    "types": set[str](),
    "errors": set[str](),
    "options": {"types", "errors"},
    **dict.fromkeys(STAGES, NOUNS),
    "flow": NOUNS | STAGES,
    "train": NOUNS | STAGES | {"flow"},
    "apps": NOUNS | STAGES | {"flow", "train"},
}
"""Besides itself, what each room may import of docproc."""

PURE = ("clean", "fields", "segment", "assemble")
PURE_LIBRARIES = {"numpy", "cv2", "skimage", "scipy", "stdnum", "pydantic", "pydantic_core"}
PURE_STANDARD = {
    *("__future__", "bisect", "collections", "dataclasses", "decimal", "difflib", "enum", "functools"),
    *("heapq", "itertools", "math", "operator", "re", "tomllib", "typing"),
}
IMPURE_CALLS = {"open", "print", "input", "imread", "imwrite", "imshow", "fromfile", "tofile", "memmap", "loadtxt"}
NOUN_LIBRARIES = {"types": {"numpy"}, "errors": set[str](), "options": {"pydantic"}}

HOMES = {
    "torch": ("recognize/", "train/"),
    "safetensors": ("recognize/", "train/"),
    "sqlite3": ("records/",),
    "filelock": ("records/",),
    "pandas": ("records/export.py", "train/"),
    "typer": ("apps/",),
    "pypdfium2": ("pages/",),
    "pdf2image": ("pages/",),
    "pikepdf": ("pages/",),
    "pillow_heif": ("pages/",),
    "pebble": ("flow/",),
    "matplotlib": ("train/",),
    "optuna": ("train/",),
    "sqlalchemy": ("train/",),
    "onnx": ("train/",),
    "xlsxwriter": ("records/export.py",),
    "pyarrow": ("records/export.py",),
    "reportlab": ("flow/sheet_pdf.py",),
    "pydantic": ("options.py", "fields/form.py"),
    "pydantic_core": ("fields/form.py",),
    "jinja2": ("apps/",),
    "tomlkit": ("apps/formedit/",),
    "http": ("apps/",),
    "starlette": ("apps/local/", "apps/formedit/", "apps/review/"),
    "uvicorn": ("apps/local/",),
    "webbrowser": ("apps/local/",),
    "watchdog": ("apps/watch/events.py",),
    "prometheus_client": ("apps/watch/metrics.py",),
    "stdnum": ("assemble/grammar.py",),
    # besides serving pages: the machine's name, for the message that says who holds a ledger
    "cryptography": ("records/seal.py",),
    "socket": ("apps/local/", "apps/watch/service.py", "records/ledger.py"),
}
"""Each outside library has one home."""
NETWORK = {
    *("aiohttp", "asyncio", "ftplib", "http", "httpx", "requests", "smtplib", "socketserver", "ssl", "telnetlib"),
    "urllib",
}
SERVERS = {"apps/local/connection.py", "apps/local/server.py"}
"""These answer browsers, and ask nobody."""


class Import(NamedTuple):
    """One import: the file and line it stands in, and the module's full name."""

    file: Path
    line: int
    module: str

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(PACKAGE)}:{self.line} imports {self.module}"


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    """The room a file lies in; for files at the top their own name."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[Import]:
    """Every import of a file, also those inside functions and those for type checkers."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(file, node.lineno, name.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative imports hide where a line belongs"
            # `from docproc import errors` names a module, `from docproc.errors import Exit` what is in it
            names = [f"{node.module}.{name.name}" for name in node.names] if node.module == "docproc" else [node.module]
            for module in names:
                assert module is not None
                yield Import(file, node.lineno, module)


def outside(file: Path) -> Iterator[Import]:
    return (found for found in imports(file) if found.module.partition(".")[0] != "docproc")


def of_docproc(file: Path) -> Iterator[tuple[Import, str]]:
    """Imports of docproc's own rooms, each with the room."""
    for found in imports(file):
        top, _, rest = found.module.partition(".")
        if top == "docproc" and rest and not rest.startswith("__"):
            yield found, rest.partition(".")[0]


def run_python(script: str, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_there_is_something_to_check() -> None:
    assert len(modules()) >= FEWEST_MODULES
    assert {room_of(file) for file in modules()} == set(MAY_IMPORT) | {"__init__"}
    assert sum(1 for file in modules() for _ in of_docproc(file)) >= FEWEST_MODULES


def test_rooms_import_in_one_direction() -> None:
    wrong = [
        found.place
        for file in modules()
        for found, room in of_docproc(file)
        if room != room_of(file) and room not in MAY_IMPORT.get(room_of(file), set())
    ]
    assert wrong == []


def test_nobody_imports_the_fronts() -> None:
    wrong = [f.place for file in modules() if room_of(file) != "apps" for f, room in of_docproc(file) if room == "apps"]
    assert wrong == []


def test_pure_rooms_know_arrays_and_nothing_else() -> None:
    files = [file for file in modules() if room_of(file) in PURE]
    assert {room_of(file) for file in files} == set(PURE)
    allowed = PURE_LIBRARIES | PURE_STANDARD
    assert [f.place for file in files for f in outside(file) if f.module.partition(".")[0] not in allowed] == []


def test_pure_rooms_open_and_print_nothing() -> None:
    wrong = []
    for file in modules():
        if room_of(file) in PURE:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    if name in IMPURE_CALLS:
                        wrong.append(f"{file.relative_to(PACKAGE)}:{node.lineno} calls {name}")
    assert wrong == []


@pytest.mark.parametrize("noun", sorted(NOUN_LIBRARIES))
def test_shared_nouns_stay_light(noun: str) -> None:
    allowed = NOUN_LIBRARIES[noun] | set(sys.stdlib_module_names)
    found = list(outside(PACKAGE / f"{noun}.py"))
    assert found
    assert [f.place for f in found if f.module.partition(".")[0] not in allowed] == []


def test_each_library_stays_in_its_home() -> None:
    every = [found for file in modules() for found in outside(file)]
    wrong = [
        found.place
        for found in every
        for homes in [HOMES.get(found.module.partition(".")[0])]
        if homes is not None and not found.file.relative_to(PACKAGE).as_posix().startswith(homes)
    ]
    assert wrong == []
    assert {"torch", "sqlite3", "typer", "pikepdf"} <= {found.module.partition(".")[0] for found in every}


def test_nothing_speaks_to_a_network() -> None:
    every = [found for file in modules() for found in outside(file)]
    spoken = [found for found in every if found.module.partition(".")[0] in NETWORK]
    # `http` alone has but the names of statuses, and `parse` takes addresses apart.
    assert [found.place for found in spoken if found.module not in ("http", "urllib.parse")] == []
    serving = [found for found in every if found.module.partition(".")[0] == "uvicorn"]
    assert {found.file.relative_to(PACKAGE).as_posix() for found in serving} == SERVERS


def test_files_stay_short() -> None:
    files = [*modules(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {str(file.relative_to(ROOT)): length for file, length in lengths.items() if length > MOST_LINES} == {}


def test_entering_a_room_costs_nothing() -> None:
    doors = [file for file in PACKAGE.rglob("__init__.py") if file.parent != PACKAGE]
    assert len([door for door in doors if door.parent.parent == PACKAGE]) == len(MAY_IMPORT) - len(NOUNS)
    assert [str(door.relative_to(ROOT)) for door in doors if door.read_text(encoding="utf-8").strip()] == []


def test_workers_load_no_torch() -> None:
    script = "import sys, docproc.flow.pipeline; print(*sorted(sys.modules))"
    loaded = set(run_python(script).split())
    assert {"docproc.flow.pipeline", "cv2"} <= loaded
    assert {"torch", "pandas", "skimage", "matplotlib", "typer", "sqlite3"} & loaded == set()


@pytest.mark.skipif(not (ROOT / "models" / "digits.safetensors").is_file(), reason="no trained weights yet")
def test_a_run_opens_no_connection(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.bind', 'socket.sendto'):\n"
        "        raise SystemExit(f'the network was used: {event} {arguments}')\n"
        "sys.addaudithook(refuse)\n"
        "from docproc.apps.cli import main\n"
        "main()\n"
    )
    out = tmp_path / "results.csv"
    run_python(script, "run", os.fspath(ROOT / "samples" / "photo"), "--out", os.fspath(out), "--workers", "0")
    assert len(out.read_text(encoding="utf-8").splitlines()) > 1
