"""Composition and everything a user touches: settings, engine loop, REST, push, page, alerts."""

import os

# the matrices here are small: a second BLAS thread only waits for the first, spinning
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
