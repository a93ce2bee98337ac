"""Pictures of fields encrypted at rest: the key file, and what it closes and opens."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from docproc.errors import LedgerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KeepStrips = Literal["flagged", "all", "none"]
"""Which fields' pictures a ledger keeps."""
SEALED = b"\x00docproc-sealed-1\x00"
"""How a closed strip begins; a picture never does."""
KEY_BYTES = 32
NONCE_BYTES = 12
MOST_FILE_BYTES = 1000
_KEY_FILE = re.compile(rb"docproc-key-1 ([A-Za-z0-9+/]{43}=)\s*")


class Place(NamedTuple):
    """Where a strip belongs: it opens nowhere else, so that strips cannot be exchanged. `position` counts fields."""

    digest: str
    recipe: str
    number: int
    position: int

    @property
    def bound(self) -> bytes:
        """The bytes that a closed strip is bound to."""
        return SEALED + "\0".join(map(str, self)).encode()


@dataclass(frozen=True, slots=True)
class Seal:
    """A key in hand; two are equal if their fingerprints are. The fingerprint tells nothing of the key."""

    fingerprint: str
    cipher: AESGCM = field(repr=False, compare=False)

    def close(self, strip: bytes, place: Place) -> bytes:
        """The strip as AES-256-GCM under a random nonce; no picture stays none."""
        if not strip:
            return strip
        nonce = os.urandom(NONCE_BYTES)
        return SEALED + nonce + self.cipher.encrypt(nonce, strip, place.bound)

    def open(self, closed: bytes, place: Place) -> bytes:
        """The picture again; raises LedgerError where the bytes were changed or belong elsewhere."""
        from cryptography.exceptions import InvalidTag

        start = len(SEALED)
        nonce, rest = closed[start : start + NONCE_BYTES], closed[start + NONCE_BYTES :]
        try:
            return self.cipher.decrypt(nonce, rest, place.bound)
        except (InvalidTag, ValueError) as error:
            raise LedgerError(
                f"the encrypted picture of field {place.position + 1} on page {place.number} was changed or belongs "
                "elsewhere; read its file anew into another --out"
            ) from error


@dataclass(frozen=True, slots=True)
class Vault:
    """What a ledger does with pictures: which it keeps, and the key that closes them, if one was given."""

    keep: KeepStrips = "all"
    seal: Seal | None = None

    def store(self, strip: bytes, flagged: bool, place: Place) -> bytes:
        """What is written of a strip."""
        if self.keep == "none" or (self.keep == "flagged" and not flagged):
            return b""
        return strip if self.seal is None else self.seal.close(strip, place)

    def fetch(self, stored: bytes, place: Place) -> bytes:
        """The picture that was stored, b"" where none is; raises LedgerError where it is closed and no key is here."""
        if not is_closed(stored):
            return stored
        if self.seal is None:
            raise LedgerError("the pictures of this ledger are encrypted; give their key file with --key")
        return self.seal.open(stored, place)


KEEP_ALL = Vault()
"""Every picture, as it is."""


def is_closed(stored: bytes) -> bool:
    """Whether what is stored of a strip is encrypted."""
    return stored.startswith(SEALED)


def make_key(path: Path) -> Seal:
    """Write a new random key to a file that only its owner may read; raises LedgerError where a file is in the way."""
    key = os.urandom(KEY_BYTES)
    seal = _make_seal(key)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(b"docproc-key-1 " + base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise LedgerError(
            f"{path} is there already and may be the only key of some pictures; choose another name"
        ) from (error)
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror}; choose another place for the key") from error
    return seal


def load_key(path: Path) -> Seal:
    """The key in a file; raises LedgerError where it is none."""
    try:
        with path.open("rb") as file:
            found = _KEY_FILE.fullmatch(file.read(MOST_FILE_BYTES))
    except OSError as error:
        raise LedgerError(f"cannot read the key {path}: {error.strerror}; give the file of docproc key new") from error
    if found is None:
        raise LedgerError(f"{path} is no key; give the file that docproc key new wrote")
    return _make_seal(base64.b64decode(found[1]))


def _make_seal(key: bytes) -> Seal:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise LedgerError("--key needs cryptography: pip install 'docproc[encrypt]', or leave --key out") from error
    return Seal(hashlib.sha256(b"docproc key\0" + key).hexdigest()[:16], AESGCM(key))
