"""Compiles and calls `floor.c` where the system has a C compiler."""

import ctypes
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from benchmarks.inputs import Options
from greeks.conventions import FloatArray

SOURCE = Path(__file__).with_name("floor.c")
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC"]
ROWS = 14


class NoCompilerError(Exception):
    """The system has no C compiler, or it refused."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The compiled functions; buffers are the caller's, as compiled code would have it."""

    library: ctypes.CDLL

    def greeks(self, options: Options, cp: FloatArray, out: FloatArray) -> None:
        columns = (options.forward, options.strike, options.years, options.iv, cp, out)
        self.library.greeks(ctypes.c_size_t(len(options)), *map(_pointer, columns))

    def profile(self, gaussians: "Gaussians", moves: FloatArray, out: FloatArray) -> None:
        sizes = ctypes.c_size_t(len(gaussians.centre)), ctypes.c_size_t(len(moves))
        columns = (gaussians.centre, gaussians.curvature, gaussians.weight, moves, out)
        self.library.profile(*sizes, *map(_pointer, columns))

    def profile_recurrence(
        self, gaussians: "Gaussians", moves: FloatArray, out: FloatArray
    ) -> None:
        sizes = ctypes.c_size_t(len(gaussians.centre)), ctypes.c_size_t(len(moves))
        columns = (gaussians.centre, gaussians.curvature, gaussians.weight)
        low, step = ctypes.c_double(moves[0]), ctypes.c_double(moves[1] - moves[0])
        self.library.profile_recurrence(*sizes, *map(_pointer, columns), low, step, _pointer(out))


@dataclass(frozen=True, slots=True)
class Gaussians:
    """What the C profile takes: centres, -1/(2 v^2) and weights, one a row."""

    centre: FloatArray
    curvature: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, options: Options) -> "Gaussians":
        v = options.iv * np.sqrt(options.years)
        centre = np.log(options.strike / options.forward) + v * v / 2
        weight = 0.01 / np.sqrt(2 * np.pi) * options.position * options.strike / v
        return cls(centre, -0.5 / (v * v), weight)


def compile_floor() -> Floor:
    """Build the library in a temporary directory."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompilerError("no C compiler on this machine")
    target = Path(mkdtemp(prefix="gammaflip-floor-")) / "floor.so"
    for extra in (["-lmvec", "-lm"], ["-lm"]):
        command = [compiler, *FLAGS, "-o", str(target), str(SOURCE), *extra]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return Floor(ctypes.CDLL(str(target)))
    raise NoCompilerError(f"{compiler} could not build floor.c")


def _pointer(array: FloatArray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)
