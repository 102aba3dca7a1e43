"""How memory is given back: large arrays at once, cycles of objects seldom.

Every state allocates and frees arrays of all sizes in several threads. Left alone, glibc raises
its limit for what it asks of the system directly and keeps a heap for each thread; of a board
that holds 150 MB, another 140 MB were such holes after five minutes.

Python frees what nothing refers to at once; its collector is for cycles alone, of which a board
makes few. Left alone it looks at every object of the process whenever a thousand clients wake:
a quarter of a core, and up to 0.4 s in which nothing else runs.
"""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of glibc's mallopt
LARGE_BYTES = 256 * 1024
ARENAS = 2
NEW_OBJECTS = 20_000
"""How many more objects than were freed make the collector look at the new ones; 700 as shipped."""


def give_back_large_arrays() -> None:
    """Tell glibc, before the first thread starts; other C libraries have no such holes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, 4 * LARGE_BYTES)
        mallopt(_ARENA_MAX, ARENAS)


def collect_seldom() -> None:
    """Tell the collector, once everything that stays is loaded, to leave that alone."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
