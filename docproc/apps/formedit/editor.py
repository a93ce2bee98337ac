"""One form file in a page: what it says, what is wrong with it, and how it is saved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any, get_args

import cv2
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from docproc.apps.formedit.rewrite import KINDS, Origins, Table, rewrite, to_plain
from docproc.apps.local.pages import Json, build, read_part, route_parts, take
from docproc.errors import LedgerError, OptionsError
from docproc.fields.form import (
    GOES_WITH,
    Check,
    FieldSpec,
    FormSpec,
    Mistake,
    check_tables,
    load_tables,
    parse_form,
    refuse,
    well_formed,
)
from docproc.flow.forms import Reference, load_references, outside, read_form
from docproc.flow.rosters import find_values
from docproc.options import Options
from docproc.records.atomic import replace_file
from docproc.types import ValueType

PACKAGE = "docproc.apps.formedit"
PARTS = ("page.css", "main.js", "model.js", "paper.js", "panel.js", "place.js", "talk.js")
"""What the page consists of, besides itself."""


class AskedWronglyError(ValueError):
    """A request that docproc's own page would not make."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What the page would have the file say.

    `base` is the digest of the text that `origins` refer to, `seen` that of what the page believes is in the file.
    """

    tables: Table
    origins: Origins
    base: str
    seen: str
    overwrite: bool


class Editor:
    """A form file that is open in a page; raises OptionsError where there is nothing that a page could show."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path = path
        self.options = options
        self.lock = Lock()
        self.texts: dict[str, str] = {}
        self.references: Sequence[Reference] = ()
        self.open()

    def app(self) -> Starlette:
        """All that the page asks for."""
        return build(
            [
                Route("/", lambda request: read_part(PACKAGE, "page.html")),
                *route_parts(PACKAGE, PARTS),
                Route("/form", self.tell),
                Route("/pages/{name}", self.draw),
                Route("/check", take(lambda body: answer(self.check, body)), methods=["POST"]),
                Route("/save", take(lambda body: answer(self.save, body)), methods=["POST"]),
                Route("/close", close, methods=["POST"]),
            ]
        )

    def open(self) -> tuple[str, Table]:
        """The text of the file and its tables; fields and rules may have mistakes, for the page to show."""
        text = read_form(self.path)
        tables = load_tables(text, str(self.path))
        _, mistakes = check_tables(tables)
        # Their tables must be tables, and the picture must be there, else there is nothing to mend them in.
        fatal = [mistake for mistake in mistakes if mistake.path[0] not in KINDS] or [
            Mistake((kind,), f"must be tables: [[{kind}]]") for kind in KINDS if not are_tables(tables.get(kind, []))
        ]
        if not fatal:
            head = {key: value for key, value in tables.items() if key not in KINDS}
            references = load_references(FormSpec.model_construct(**head), self.path.parent, self.options, fatal)
        if fatal:
            raise refuse(fatal, text, str(self.path))
        self.references = references
        self.texts[digest(text)] = text
        return text, tables

    def tell(self, request: Request) -> Response:
        """All that the page must know to begin, read anew."""
        try:
            text, tables = self.open()
        except OptionsError as error:
            return Json({"failure": str(error)}, HTTPStatus.CONFLICT)
        sizes = [reference.size for reference in self.references]
        told = {"path": str(self.path), "seen": digest(text), "pages": sizes, "keys": describe_keys()}
        return Json(told | {"tables": to_plain(tables)})

    def draw(self, request: Request) -> Response:
        """A page of the reference as PNG."""
        asked = request.path_params["name"]
        wanted = [page for number, page in enumerate(self.references, 1) if asked == f"{number}.png"]
        if not wanted:
            return PlainTextResponse("no such page\n", HTTPStatus.NOT_FOUND)
        _, encoded = cv2.imencode(".png", wanted[0].gray)
        return Response(encoded.tobytes(), media_type="image/png")

    def check(self, edited: Edited) -> Response:
        """All that is wrong."""
        return Json({"mistakes": find_mistakes(edited.tables, self.references, self.path.parent)})

    def save(self, edited: Edited) -> Response:
        """Write the file, unless something is wrong or somebody else has changed it."""
        mistakes = find_mistakes(edited.tables, self.references, self.path.parent)
        if mistakes:
            return Json({"mistakes": mistakes}, HTTPStatus.UNPROCESSABLE_ENTITY)
        base = self.texts.get(edited.base)
        if base is None:
            return Json({"failure": "the page is older than this docproc; reload it"}, HTTPStatus.BAD_REQUEST)
        with self.lock:
            changed = self.changed_since(edited.seen)
            if changed and not edited.overwrite:
                return Json({"conflict": changed}, HTTPStatus.CONFLICT)
            text = rewrite(base, edited.tables, edited.origins)
            parse_form(text, str(self.path))
            return self.write(text)

    def changed_since(self, seen: str) -> str:
        """What happened to the file, in words; nothing if it is as it was seen."""
        try:
            return "" if digest(read_form(self.path)) == seen else "was changed by somebody else"
        except OptionsError:
            return "is gone, or can no longer be read"

    def write(self, text: str) -> Response:
        """Put the text in place of the file."""
        try:
            written = replace_file(self.path, lambda stream: stream.write(text.encode()))
        except LedgerError as error:
            why = getattr(error.__cause__, "strerror", None) or "the disk refused it"
            return Json({"failure": f"cannot write {self.path}: {why}"}, HTTPStatus.INTERNAL_SERVER_ERROR)
        return Json({"seen": digest(text), "path": str(written)})


def find_mistakes(tables: Table, references: Sequence[Reference], folder: Path) -> list[Mistake]:
    """All that `docproc run` would refuse, in the order of the file; what lies beyond a field only if it is right."""
    _, mistakes = check_tables(tables)
    wrong = {mistake.path[:2] for mistake in mistakes}
    for number, field in enumerate(well_formed(tables.get("field"), FieldSpec)):
        if field is not None and ("field", number) not in wrong:
            mistakes += outside(number, field, references)
            find_values(number, field, folder, mistakes)
    return list(dict.fromkeys(mistakes))


def describe_keys() -> dict[str, dict[str, Any]]:
    """The keys of a field: what each means, the types it goes with, and what may stand there if that is limited."""
    choices = {"type": get_args(ValueType), "check": get_args(Check)}
    return {
        key: {"help": field.description, "types": GOES_WITH.get(key), "choices": choices.get(key)}
        for key, field in FieldSpec.model_fields.items()
    }


def read_edited(body: bytes) -> Edited:
    """What the page sent; raises AskedWronglyError."""
    try:
        sent = json.loads(body)
        json.dumps(sent, ensure_ascii=False).encode()  # half a character cannot be saved
        tables, origins = sent["tables"], sent["origins"]
        edited = Edited(tables, origins, str(sent["base"]), str(sent["seen"]), sent.get("overwrite") is True)
        if not are_tables([tables]) or not all(
            are_tables(tables[kind]) and are_origins(origins[kind], len(tables[kind])) for kind in KINDS
        ):
            raise AskedWronglyError("fields and rules must be tables, each with its origin")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise AskedWronglyError(f"this is no form: {error}") from error
    return edited


def are_tables(value: object) -> bool:
    """Whether a value is a list of tables, of which TOML can say all: it has no null."""
    return isinstance(value, list) and all(isinstance(table, dict) and None not in table.values() for table in value)


def are_origins(value: object, count: int) -> bool:
    """Whether a value says of so many tables, each another, where they come from."""
    if not isinstance(value, list) or len(value) != count:
        return False
    known = [origin for origin in value if origin is not None]
    return all(type(origin) is int and origin >= 0 for origin in known) and len(set(known)) == len(known)


def digest(text: str) -> str:
    """What tells one text of the file from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def answer(handle: Callable[[Edited], Response], body: bytes) -> Response:
    """What `handle` makes of the form that the page sent."""
    try:
        edited = read_edited(body)
    except AskedWronglyError as error:
        return Json({"failure": str(error)}, HTTPStatus.BAD_REQUEST)
    return handle(edited)


def close(request: Request) -> Response:
    """The last answer."""
    return Json({}, background=BackgroundTask(request.state.close))
