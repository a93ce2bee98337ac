"""The page in one file: styles and scripts inside it, allowed by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files

PACKAGE = "docproc.apps.review"
_IMPORT = re.compile(r'^import \{ (.+) \} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|let) (\w+))", re.MULTILINE)


def join_modules(names: Sequence[str], stand_ins: dict[str, str]) -> str:
    """Modules as one script, in an order in which each comes behind those that it imports.

    `stand_ins` names modules that take the place of others. Each module becomes a function that gives what it exports,
    so that their inner names do not meet.
    """
    parts = []
    for name in names:
        source = read(f"{stand_ins.get(name, name)}.js")
        exports = [found[1] for found in _EXPORT.findall(source)]
        body = _IMPORT.sub(lambda found: f"const {{ {found[1]} }} = {found[2]}Module;", source)
        body = _EXPORT.sub(r"\1", body)
        parts.append(f"const {name}Module = (() => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();\n")
    return "".join(parts)


def read(name: str) -> str:
    """A file of this package."""
    return (files(PACKAGE) / name).read_text(encoding="utf-8")


def make_policy(script: str, style: str) -> str:
    """A policy that lets this script and this style in, pictures that lie in the page, and nothing else."""
    return (
        f"default-src 'none'; script-src {hash_of(script)}; style-src {hash_of(style)}; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def hash_of(text: str) -> str:
    """How a policy names a text that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
