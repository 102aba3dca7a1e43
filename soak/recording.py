"""kill -9 of a recorder at random moments: what was flushed stays readable, no trade is lost.

One exchange lives through all kills. Every recorder begins a new file in one folder; in the end
the whole folder is replayed through one feed, whose tape must hold every trade of the exchange
once: what the last second before a kill lost, the next recorder's history brought back.
"""

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from ingest.recording import SUFFIX, SinkCall, apply_recorded, read_recording
from ingest.worker import AssetFeed
from soak.check import Check
from soak.load import Venue
from tests.processes import Exchange, Process, until

KILLS = 50
SHORTEST_S, LONGEST_S = 1.0, 6.0
FLUSHED_S = 3.0
"""A flush comes each second; what is older than this at a kill must be on the disk."""
READY_S = 60.0


@dataclass(slots=True)
class Tally:
    """What the kills left behind."""

    kills: int = 0
    unreadable: list[str] = field(default_factory=list)
    frames: int = 0
    oldest_lost_s: float = 0.0
    trades: int = 0
    lost: int = 0
    twice: int = 0
    not_replayed: int = 0


def record_and_kill(url: str, folder: Path, log: Path, wait_s: float) -> tuple[Path, float]:
    """Record until frames come, then so long, then kill; return the file and the moment."""
    before = set(folder.glob(f"*{SUFFIX}"))

    def new_file() -> Path | None:
        fresh = sorted(set(folder.glob(f"*{SUFFIX}")) - before)
        return fresh[0] if fresh else None

    command = ["record", "--source", url, "--assets", "BTC", str(folder)]
    with Process(command, log) as recorder:
        until(new_file, READY_S, "a file of frames")
        time.sleep(wait_s)  # the random moment, not something to wait for
        recorder.kill()
        killed_s = time.monotonic()
    return max(set(folder.glob(f"*{SUFFIX}")) - before), killed_s


def look_at(file: Path, killed_s: float, tally: Tally) -> None:
    """Read what a kill left; recorders use the machine's monotonic clock, and so do we."""
    last_s = None
    try:
        for line in read_recording(file):
            tally.frames += line.call is SinkCall.RECEIVED
            last_s = line.now_s
    except Exception as error:  # noqa: BLE001 - any error is the finding
        tally.unreadable.append(f"{file.name}: {type(error).__name__} {error}")
        return
    if last_s is None:
        tally.unreadable.append(f"{file.name}: nothing to read")
        return
    tally.oldest_lost_s = max(tally.oldest_lost_s, killed_s - last_s)


def replay_everything(folder: Path) -> AssetFeed:
    """Replay all files of a folder through one feed."""
    feed = AssetFeed("BTC", lambda: 0.0)
    for line in read_recording(folder):
        apply_recorded(line, feed)
    return feed


async def compare_tape(url: str, feed: AssetFeed, tally: Tally) -> None:
    """Compare the replayed tape with the exchange's, up to the newest trade we have."""
    venue = Venue(url)
    kept = [trade for trade, _ in feed.tape.newest_first()]
    first_ms, last_ms = kept[-1].ts_event, kept[0].ts_event - 1
    try:
        wanted = {
            name
            for currency in ("BTC", "USDC")
            for name in await venue.trade_ids(currency, first_ms, last_ms)
            if not name.startswith("ETH")
        }
    finally:
        await venue.close()
    ours = [trade.trade_id for trade in kept]
    tally.trades, tally.twice = len(ours), len(ours) - len(set(ours))
    tally.lost = len(wanted - set(ours))


def kill_often(kills: int, folder: Path, seed: int = 1) -> Tally:
    """Kill so many recorders of one exchange."""
    rng, tally, frames = random.Random(seed), Tally(), folder / "frames"
    frames.mkdir()
    with Exchange(("--port", "0", "--assets", "BTC", "--activity", "4"), folder / "x.log") as venue:
        for number in range(kills):
            wait_s = rng.uniform(SHORTEST_S, LONGEST_S)
            log = folder / f"record-{number}.log"
            file, killed_s = record_and_kill(venue.url, frames, log, wait_s)
            look_at(file, killed_s, tally)
            tally.kills += 1
        feed = replay_everything(frames)
        tally.not_replayed = feed.counters.protocol_errors + (not feed.is_ready())
        asyncio.run(compare_tape(venue.url, feed, tally))
    return tally


def check(tally: Tally) -> Check:
    """Held when everything flushed is there and every trade is once."""
    return Check(
        f"{tally.kills} recorders killed",
        not (tally.unreadable or tally.lost or tally.twice or tally.not_replayed)
        and tally.oldest_lost_s < FLUSHED_S
        and tally.trades > 0,
        {
            "kills": tally.kills, "frames": tally.frames, "unreadable": len(tally.unreadable),
            "first": next(iter(tally.unreadable), "none"),
            "longest unflushed s": round(tally.oldest_lost_s, 2), "trades": tally.trades,
            "lost": tally.lost, "twice": tally.twice, "replay errors": tally.not_replayed,
        },
    )  # fmt: skip


def run() -> list[Check]:
    """Fifty kills."""
    with tempfile.TemporaryDirectory() as folder:
        return [check(kill_often(KILLS, Path(folder)))]
