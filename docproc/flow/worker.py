"""What a worker process does before its first page: one thread, a memory limit, an end together with its parent.

This module imports nothing heavy, so that the limits stand before numpy and OpenCV are loaded.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PARENT_GONE = 1


def start(megabytes: int) -> None:
    """Make this process a worker of at most `megabytes` of address space."""
    # A terminal sends Ctrl-C and its hang-up to the whole group; the parent alone decides what they mean.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    for name in THREAD_LIMITS:
        os.environ[name] = "1"
    _limit_memory(megabytes)
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


def _end_with_parent() -> None:
    """Leave when the parent is gone, also when it was killed and also from a page that hangs."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(PARENT_GONE)
