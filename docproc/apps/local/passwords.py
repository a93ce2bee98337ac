"""The file that says who may log in, and how often one may guess."""

from __future__ import annotations

import os
import secrets
import stat
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest, digest
from pathlib import Path

from docproc.apps.local.sessions import LONGEST_NAME, is_name
from docproc.errors import UsageError

MOST_BYTES = 64 << 10
SHORTEST, LONGEST = 8, 1024
"""Characters of a password."""
MOST_GUESSES, MOST_GUESSES_OF_ALL = 5, 50
"""Wrong ones in a window of time, from one address and from all together."""
WINDOW_SECONDS = 60.0
ANYBODY = ""


@dataclass(frozen=True, slots=True)
class Passwords:
    """Digests of passwords by name; the one of `ANYBODY` goes with every name."""

    known: Mapping[str, bytes] = field(repr=False)
    key: bytes = field(repr=False)

    def match(self, who: str, password: str) -> bool:
        """Whether a password is the one of `who`; takes as long if there is nobody of that name."""
        right = self.known.get(ANYBODY, self.known.get(who, bytes(32)))
        return compare_digest(digest_of(self.key, password), right)


class Guesses:
    """Wrong passwords of the last minute, by the address that they came from."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.wrong: deque[tuple[float, str]] = deque()

    def must_wait(self, address: str) -> bool:
        """Whether somebody has guessed too often to try again now."""
        while self.wrong and self.wrong[0][0] <= self.now() - WINDOW_SECONDS:
            self.wrong.popleft()
        mine = sum(other == address for _, other in self.wrong)
        return mine >= MOST_GUESSES or len(self.wrong) >= MOST_GUESSES_OF_ALL

    def note(self, address: str) -> None:
        """Remember a wrong password."""
        self.wrong.append((self.now(), address))


def read_passwords(path: Path) -> Passwords:
    """The passwords of a file: one alone, or lines of `name:password`; raises UsageError."""
    text = read_private(path)
    key = secrets.token_bytes(32)
    lines = [line for line in text.splitlines() if line.strip()]
    known: dict[str, bytes] = {}
    for number, line in enumerate(lines, 1):
        before, colon, after = line.partition(":")
        who, password = (before.strip(), after.strip()) if colon else (ANYBODY, line.strip())
        if not colon and len(lines) > 1:
            raise wrong(path, number, "has no name", "write name:password, or leave one password as the only line")
        if colon and not is_name(who):
            raise wrong(path, number, "has a name that is none", f"write 1 to {LONGEST_NAME} printable characters")
        if who in known:
            raise wrong(path, number, f"names {who} again", "give each name one line")
        if not SHORTEST <= len(password) <= LONGEST:
            raise wrong(path, number, "has a password of unfit length", f"take {SHORTEST} to {LONGEST} characters")
        known[who] = digest_of(key, password)
    if not known:
        raise UsageError(f"--password-file {path}: the file is empty; write a password into it")
    return Passwords(known, key)


def read_private(path: Path) -> str:
    """The text of a file that its owner alone may read; raises UsageError."""
    try:
        # Without waiting: a pipe that nobody writes to would hold the command.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise UsageError(f"--password-file {path}: this is no regular file; name a text file")
            if os.name != "nt" and stat.S_IMODE(about.st_mode) & 0o077:
                raise UsageError(f"--password-file {path}: others may read it; run chmod 600 {path}")
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--password-file {path}: {error.strerror}; name a text file that you may read") from error
    if len(content) > MOST_BYTES:
        raise UsageError(f"--password-file {path}: has more than {MOST_BYTES} bytes; shorten it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--password-file {path}: this is no UTF-8; save it as UTF-8") from error


def digest_of(key: bytes, password: str) -> bytes:
    """What is kept of a password; letters with accents may be typed as one character or two."""
    return digest(key, unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass"), "sha256")


def wrong(path: Path, number: int, what: str, remedy: str) -> UsageError:
    """What is wrong with a line, which is not shown."""
    return UsageError(f"--password-file {path}: line {number} {what}; {remedy}")
