"""How the C library gives memory back: large arrays at once, not into a heap full of holes.

Every state allocates and frees arrays of all sizes in several threads. Left alone, glibc raises
its limit for what it asks of the system directly and keeps a heap for each thread; of a board
that holds 150 MB, another 140 MB were such holes after five minutes.
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of glibc's mallopt
LARGE_BYTES = 256 * 1024
ARENAS = 2


def give_back_large_arrays() -> None:
    """Tell glibc, before the first thread starts; other C libraries have no such holes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, 4 * LARGE_BYTES)
        mallopt(_ARENA_MAX, ARENAS)
