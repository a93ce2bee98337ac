"""What a worker process does before its first page: one thread, a memory limit and how memory is kept, an end together
with its parent.

This module imports nothing heavy, so that the limits stand before numpy and OpenCV are loaded.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from multiprocessing import parent_process

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PARENT_GONE = 1
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""What mallopt(3) calls the settings of glibc's allocator."""
KEPT, STEP = 256 * 2**20, 64 * 2**20
"""Bytes that a process keeps about when they are free, and by how many its heap grows at least."""
OLDER_MOST = 32 * 2**20
"""What glibc before 2.35 takes as MMAP_THRESHOLD at most."""


def start(megabytes: int) -> None:
    """Make this process a worker of at most `megabytes` of address space."""
    # A terminal sends Ctrl-C and its hang-up to the whole group; the parent alone decides what they mean.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    for name in THREAD_LIMITS:
        os.environ[name] = "1"
    _limit_memory(megabytes)
    keep_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()

    import cv2

    cv2.setNumThreads(1)


def _limit_memory(megabytes: int) -> None:
    """Make allocation past the limit fail in this process alone; systems without such limits go on without."""
    try:
        import resource
    except ImportError:
        return
    _, ceiling = resource.getrlimit(resource.RLIMIT_AS)
    limit = megabytes * 2**20
    if ceiling != resource.RLIM_INFINITY:
        limit = min(limit, ceiling)
    resource.setrlimit(resource.RLIMIT_AS, (limit, ceiling))


def keep_memory() -> None:
    """Let this process keep large arrays that it frees, for the next page; allocators but glibc's stay as they are.

    A page asks for the same arrays as the one before. What comes from the system anew is cleared first, page by page,
    which took a third of the time of a scan.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    # Each of these ends glibc's own adapting of the first, so that one alone would make things worse.
    if mallopt(MMAP_THRESHOLD, KEPT) or mallopt(MMAP_THRESHOLD, OLDER_MOST):
        mallopt(TRIM_THRESHOLD, KEPT)
        mallopt(TOP_PAD, STEP)


def _end_with_parent() -> None:
    """Leave when the parent is gone, also when it was killed and also from a page that hangs."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(PARENT_GONE)
