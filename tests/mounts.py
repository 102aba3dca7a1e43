"""Real file systems of our own, small enough to fill; skipped where mounting is not allowed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system in memory that holds so much and no byte more."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs") as disk:
        yield disk


def make_image(image: Path) -> None:
    """Make a disk in a file."""
    with image.open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    _call("mkfs.ext4", "-q", str(image))


@contextmanager
def disk_of(image: Path, folder: Path) -> Iterator[Path]:
    """Mount a disk that `fail` makes read-only, as the kernel does after an I/O error."""
    with _mounted(folder, "-o", "loop,errors=remount-ro", str(image)) as disk:
        yield disk


def fail(disk: Path) -> None:
    """Let the file system stop itself; what is open stays open and takes no more writes."""
    _call("mount", "-o", "remount,abort", str(disk))


def make_read_only(disk: Path) -> None:
    """Mount it anew without the right to write; nothing may be open for writing there."""
    _call("mount", "-o", "remount,ro", str(disk))


@contextmanager
def ballast(disk: Path) -> Iterator[None]:
    """Fill whatever room the disk has, and give it back."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as file:
        size = 1024 * 1024
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    _call("mount", *arguments, str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def _call(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode().strip()
        pytest.skip(f"{command[0]} is not allowed here: {said or error}")
