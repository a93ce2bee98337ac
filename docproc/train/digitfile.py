"""A file of digit images, made by anybody: checked before it is opened, bounded before it is unpacked."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.errors import InputError
from docproc.types import NOT_A_DIGIT, Gray

LEAST_SIDE, MOST_SIDE = 4, 2048
MOST_DIGITS, MOST_BYTES = 1_000_000, 2**30
"""Images, and bytes of one unpacked array: a million images of 32x32."""
BROKEN = (
    *(OSError, EOFError, TypeError, ValueError, OverflowError, MemoryError, NotImplementedError, RuntimeError),
    *(SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What numpy and zipfile raise on a file that is none of theirs, or half of one."""


@dataclass(frozen=True, slots=True, eq=False)
class DigitSet:
    """Images uint8[n, h, w] as stored, and int64[n] of what each shows: 0..9, or NOT_A_DIGIT.

    `owners`, int64[n], numbers the writers; None where no array of names was asked for.
    """

    images: Gray
    labels: NDArray[np.int64]
    owners: NDArray[np.int64] | None = None


def load_digits(path: Path, names: str = "") -> DigitSet:
    """The arrays x and y of an .npz file and, by its key, the one that `names` each digit's writer.

    Raises InputError where the file is not one, lacks an array, or holds something other than digits.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            keys = ["x", "y", *([names] if names else [])]
            missing = [key for key in keys if f"{key}.npy" not in archive.namelist()]
            if missing:
                raise InputError(f"{path} lacks {', '.join(missing)}; write {' and '.join(keys)} into it")
            arrays = [read_array(archive, key) for key in keys]
    except BROKEN as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"cannot read {path}: {reason}; write x and y into it with numpy.savez") from error
    images, labels = arrays[:2]
    check_images(path, images)
    check_labels(path, labels, len(images))
    owners = None
    if names:
        if arrays[2].shape != (len(images),) or arrays[2].dtype.kind not in "iuSU":
            raise InputError(f"{path}: {names} must be a name or whole number an image; write it anew, or drop --group")
        owners = np.unique(arrays[2], return_inverse=True)[1].astype(np.int64)
    return DigitSet(images, labels.astype(np.int64), owners)


def read_array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    """One array of the file. ValueError where its header promises more than may be unpacked, or objects to be run."""
    with archive.open(f"{key}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{key} is of an unknown version")
        first = version == (1, 0)
        header = np.lib.format.read_array_header_1_0(stream) if first else np.lib.format.read_array_header_2_0(stream)
        untrusted_shape, _, untrusted_type = header
    if untrusted_type.hasobject:
        raise ValueError(f"{key} holds Python objects, which are not opened")
    if any(side < 0 for side in untrusted_shape):
        raise ValueError(f"{key} has a negative size")
    if math.prod(untrusted_shape) * max(1, untrusted_type.itemsize) > MOST_BYTES:
        raise ValueError(f"{key} is larger than {MOST_BYTES >> 20} MiB; split the set")
    with archive.open(f"{key}.npy") as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def check_images(path: Path, images: NDArray[Any]) -> None:
    """Raise InputError unless these are pictures of possible sizes."""
    if images.ndim != 3 or images.dtype != np.uint8:
        found = f"{images.dtype} of {images.ndim} dimensions"
        raise InputError(f"{path}: x is {found}; store it as uint8 of images, height and width")
    if not 0 < len(images) <= MOST_DIGITS:
        raise InputError(f"{path}: x holds {len(images)} images; put 1 to {MOST_DIGITS} into it")
    if not all(LEAST_SIDE <= side <= MOST_SIDE for side in images.shape[1:]):
        height, width = images.shape[1:]
        raise InputError(f"{path}: images are {height}x{width}; store them with sides of {LEAST_SIDE} to {MOST_SIDE}")


def check_labels(path: Path, labels: NDArray[Any], count: int) -> None:
    """Raise InputError unless each image has a label and each label is a digit, or says that it is none."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        found = f"{labels.dtype} of shape {labels.shape}"
        raise InputError(f"{path}: y is {found}; store one whole number for each of the {count} images")
    strange = labels[(labels < 0) | (labels > NOT_A_DIGIT)]
    if len(strange):
        raise InputError(f"{path}: y holds {strange[0]}; label digits 0 to 9, and {NOT_A_DIGIT} what is no digit")
