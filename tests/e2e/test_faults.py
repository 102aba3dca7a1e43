"""Each thing that goes wrong on the wire, against the real client: what it must come to.

The exchange and the feed live in this process and share a clock that runs twenty times faster
than the machine's, so that half a minute of silence passes in two seconds.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from exchange.faults import Fault, parse_fault
from exchange.run import build_exchange
from exchange.server import Exchange
from greeks.conventions import RowStatus, Settlement
from ingest.events import GapCause
from ingest.worker import AssetFeed
from tests.exchange.peers import hurried, make_config


@dataclass
class Wire:
    """An exchange, a feed that reads it, and the means to break what is between them."""

    exchange: Exchange
    feed: AssetFeed

    def break_with(self, fault: str) -> None:
        self.exchange.faults.start(parse_fault(fault), hurried())

    def mend(self) -> None:
        self.exchange.faults.stop(None)

    async def until(self, ask: Callable[[], bool], what: str, seconds: float = 40.0) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not ask():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"expected {what}: {self.feed.counters}") from None

    async def until_fresh(self, seconds: float = 40.0) -> None:
        """Wait until index prices arrive again."""
        before = self.feed.state.clock_ms
        await self.until(lambda: self.feed.state.clock_ms > before + 3000, "ticks", seconds)

    def matches_exchange(self) -> bool:
        """Whether volatility and open interest of every option are the exchange's own."""
        chain = self.feed.state.freeze()
        truth: dict[str, tuple[float, float]] = {}
        for table in self.exchange.market.state.options.values():
            for name, row in table.rows.items():
                iv = table.columns.mark_iv.item(row) / 100
                truth[name] = (iv, table.columns.open_interest.item(row))
        return len(chain) > 0 and all(
            name in truth and abs(iv - truth[name][0]) < 0.01 and interest == truth[name][1]
            for name, iv, interest in zip(
                chain.instrument_name, chain.mark_iv, chain.open_interest_coin, strict=True
            )
        )


@asynccontextmanager
async def wired() -> AsyncIterator[Wire]:
    exchange = build_exchange(make_config(activity=3.0))
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(exchange.run(port.set_result))
    feed = AssetFeed("BTC", hurried)
    url = f"ws://127.0.0.1:{await port}/ws/api/v2"
    reading = asyncio.create_task(feed.run(url, random.Random(1)))
    wire = Wire(exchange, feed)
    try:
        await wire.until(feed.is_ready, "a ready feed")
        yield wire
    finally:
        for task in (reading, serving):
            task.cancel()
        await asyncio.gather(reading, serving, return_exceptions=True)


@pytest.mark.parametrize("fault", ["abort", "close:1000", "close:1012", "close:4000", "truncated"])
async def test_a_lost_socket_is_replaced_and_nothing_is_missing(fault: str) -> None:
    async with wired() as wire:
        wire.break_with(fault)
        await wire.until(lambda: wire.feed.counters.reconnects == 1, "one reconnect")
        await wire.until_fresh()
        assert wire.feed.counters.gaps[GapCause.RECONNECT] == 1
        await wire.until(lambda: wire.feed.tape.holes() == 0, "a tape without holes")
        await wire.until(wire.matches_exchange, "the exchange's own chain")


@pytest.mark.parametrize("refusal", ["refuse", "handshake:503"])
async def test_a_venue_that_refuses_is_not_stormed(refusal: str) -> None:
    async with wired() as wire:
        wire.break_with(refusal)
        wire.break_with("abort")
        await asyncio.sleep(2.5)
        assert wire.feed.counters.reconnects == 0
        wire.mend()
        await wire.until_fresh()
        assert wire.feed.counters.reconnects == 1


async def test_a_half_open_socket_is_noticed_by_silence() -> None:
    async with wired() as wire:
        wire.break_with("silent+45")
        await wire.until(lambda: wire.feed.counters.reconnects >= 1, "a reconnect")
        await wire.until_fresh()


async def test_mute_marks_are_renewed_and_come_back() -> None:
    async with wired() as wire:
        wire.break_with("mute:markprice.*")
        await wire.until(lambda: wire.feed.counters.gaps[GapCause.MUTE_CHANNEL] >= 2, "renewals")
        wire.mend()
        await wire.until(wire.matches_exchange, "the exchange's own chain")
        assert wire.feed.counters.reconnects == 0


async def test_a_request_without_answer_ends_in_a_fresh_session() -> None:
    async with wired() as wire:
        wire.break_with("stop-answering+40")
        await wire.until(lambda: wire.feed.counters.reconnects >= 1, "a reconnect")
        await wire.until_fresh()


@pytest.mark.parametrize("fault", ["garbage", "binary", "huge"])
async def test_a_frame_that_is_none_is_dropped_and_the_feed_lives(fault: str) -> None:
    async with wired() as wire:
        frames = wire.feed.counters.frames
        wire.break_with(fault)
        await wire.until(lambda: wire.feed.counters.frames > frames, "frames")
        await wire.until_fresh()
        assert wire.feed.counters.reconnects == 0
        assert wire.feed.counters.protocol_errors == (0 if fault == "huge" else 1)


async def test_a_channel_left_out_of_an_ack_is_asked_for_again() -> None:
    async with wired() as wire:
        wire.break_with("short-ack:markprice.*")
        wire.break_with("abort")
        await wire.until(lambda: wire.feed.counters.gaps[GapCause.REFUSED_CHANNEL] >= 1, "a gap")
        wire.mend()
        await wire.until(wire.matches_exchange, "the exchange's own chain")


async def test_listed_things_of_other_kinds_are_stepped_over() -> None:
    async with wired() as wire:
        listed = set(wire.feed.state.table.row_of)
        wire.break_with("strangers")
        wire.break_with("abort")
        await wire.until(lambda: wire.feed.counters.reconnects == 1, "one reconnect")
        await wire.until_fresh()
        await wire.until(wire.matches_exchange, "the exchange's own chain")
        assert set(wire.feed.state.table.row_of) == listed
        assert wire.feed.counters.protocol_errors == wire.feed.state.rejected == 0


async def test_trades_that_were_never_pushed_are_read_from_history() -> None:
    async with wired() as wire:
        wire.break_with("trades-lost")
        lost_ms = wire.feed.state.clock_ms
        await wire.until(lambda: wire.feed.state.clock_ms > lost_ms + 150_000, "time to pass")
        prints = wire.exchange.market.state.tape.between(lost_ms, lost_ms + 60_000)
        options = {p.wire["trade_id"] for p in prints if p.instrument.kind == "option"}
        known = {trade.trade_id for trade, _ in wire.feed.tape.newest_first()}
        assert len(options) > 5
        assert known.issuperset(options)


@pytest.mark.parametrize("fault", ["trades-twice", "trades-shuffled"])
async def test_trades_count_once_and_in_order_however_they_come(fault: str) -> None:
    async with wired() as wire:
        wire.break_with(fault)
        before = wire.feed.tape.recorded
        await wire.until(lambda: wire.feed.tape.recorded > before + 20, "trades")
        await wire.until(lambda: wire.feed.tape.holes() == 0, "no holes")
        trades = [trade for trade, _ in wire.feed.tape.newest_first()]
        assert len({trade.trade_id for trade in trades}) == len(trades)
        assert [t.ts_event for t in trades] == sorted((t.ts_event for t in trades), reverse=True)


async def test_odd_numbers_cost_rows_at_most() -> None:
    async with wired() as wire:
        wire.break_with("odd-numbers+20")
        await wire.until_fresh()
        chain = wire.feed.state.freeze()
        usable = chain.status <= RowStatus.STALE
        assert np.isfinite(chain.forward[usable]).all()
        assert np.isfinite(chain.mark_iv[usable]).all()
        wire.mend()
        await wire.until(wire.matches_exchange, "the exchange's own chain", 30)


async def test_an_impossible_forward_is_not_believed() -> None:
    async with wired() as wire:
        wire.break_with("bad-forward:0")
        await wire.until_fresh()
        forward = wire.feed.state.freeze().forward
        assert (forward > 0).all()


async def test_a_jump_of_the_index_is_held_and_then_believed() -> None:
    async with wired() as wire:
        before = wire.feed.state.freeze().index_price
        wire.break_with("jump:BTC*1.15")
        after = before * 1.15
        await wire.until(
            lambda: abs(wire.feed.state.freeze().index_price / after - 1) < 0.02, "the new level"
        )


async def test_maintenance_is_said_and_ends_by_itself() -> None:
    async with wired() as wire:
        wire.break_with("maintenance")
        await wire.until(lambda: wire.feed.in_maintenance, "maintenance")
        wire.mend()
        await wire.until(lambda: not wire.feed.in_maintenance, "the end of maintenance")
        await wire.until_fresh()


async def test_a_clock_that_jumps_moves_the_instant_and_nothing_else() -> None:
    async with wired() as wire:
        before = wire.feed.state.clock_ms
        wire.break_with("skew:600000")
        await wire.until(lambda: wire.feed.state.clock_ms > before + 600_000, "ten minutes later")
        await wire.until(wire.matches_exchange, "the exchange's own chain")


async def test_refused_public_access_keeps_the_last_numbers() -> None:
    async with wired() as wire:
        options = len(wire.feed.state.freeze())
        wire.break_with("no-public")
        await asyncio.sleep(1.5)
        assert len(wire.feed.state.freeze()) == options
        wire.mend()
        await wire.until(wire.matches_exchange, "the exchange's own chain", 30)


def depth_of(feed: AssetFeed) -> float:
    return feed.market().liquidity.bid_one_pct_usd


@pytest.mark.parametrize("fault", ["book-gap", "book-early", "book-repeat"])
async def test_a_book_that_lost_its_thread_is_taken_anew(fault: str) -> None:
    async with wired() as wire:
        await wire.until(lambda: depth_of(wire.feed) > 0, "a known depth")
        before = wire.feed.market().ts_depth
        wire.break_with(fault)
        gaps = wire.feed.counters.gaps
        if fault == "book-gap":
            await wire.until(lambda: gaps[GapCause.BOOK_SEQUENCE] >= 1, "a gap")
        wire.mend()
        await wire.until(
            lambda: depth_of(wire.feed) > 0 and wire.feed.market().ts_depth > before + 5000,
            "a newer book",
        )
        assert wire.feed.counters.reconnects == 0


async def test_a_crossed_book_has_no_depth() -> None:
    async with wired() as wire:
        await wire.until(lambda: depth_of(wire.feed) > 0, "a known depth")
        wire.break_with("book-crossed")
        wire.break_with("jump:BTC*1.05")
        await wire.until_fresh()
        depth = depth_of(wire.feed)
        assert np.isnan(depth) or depth > 0


async def test_too_many_requests_ends_in_a_slow_return_and_no_storm() -> None:
    async with wired() as wire:
        wire.break_with("exhausted+60")
        await wire.until(lambda: wire.feed.counters.gaps[GapCause.REQUEST_FAILED] >= 1, "refusal")
        began = asyncio.get_running_loop().time()
        await wire.until(lambda: wire.feed.counters.reconnects >= 1, "a return", 40)
        assert asyncio.get_running_loop().time() - began >= 9.0
        await wire.until_fresh(40)
        assert wire.feed.counters.reconnects <= 2


async def test_a_request_that_is_too_large_costs_no_more_than_itself() -> None:
    async with wired() as wire:
        wire.break_with("too-large:200")
        wire.break_with("abort")
        await wire.until(lambda: wire.feed.counters.gaps[GapCause.REQUEST_FAILED] >= 1, "refusal")
        wire.mend()
        await wire.until_fresh(40)
        await wire.until(wire.matches_exchange, "the exchange's own chain", 30)


async def test_a_summary_that_stands_still_marks_the_open_interest_stale() -> None:
    async with wired() as wire:
        wire.break_with("stale-summary")
        stale = RowStatus.STALE
        await wire.until(lambda: bool((wire.feed.freeze().status == stale).any()), "stale rows", 30)
        wire.mend()
        await wire.until(lambda: not (wire.feed.freeze().status == stale).any(), "fresh rows", 30)


async def test_a_locked_index_makes_its_book_stale_also_for_who_comes_back() -> None:
    async with wired() as wire:

        def stale() -> set[Settlement]:
            chain = wire.feed.freeze()
            return {Settlement(book) for book in chain.settlement[chain.status == RowStatus.STALE]}

        await wire.until(lambda: stale() == set(), "fresh books")
        wire.break_with("lock:btc_usd")
        await wire.until(lambda: stale() == {Settlement.INVERSE}, "one stale book")
        wire.break_with("abort")
        await wire.until(lambda: wire.feed.counters.reconnects >= 1, "a reconnect")
        await wire.until_fresh()
        await wire.until(lambda: stale() == {Settlement.INVERSE}, "one stale book")
        wire.mend()
        await wire.until(lambda: stale() == set(), "fresh books")


async def test_an_index_that_stands_still_is_stale_by_age() -> None:
    async with wired() as wire:
        wire.break_with("mute:deribit_price_index.*")
        await wire.until(lambda: (wire.feed.index_age_s() or 0) > 5.0, "an age")
        wire.mend()
        await wire.until_fresh()


async def test_what_comes_late_is_measured_as_late() -> None:
    async with wired() as wire:
        await wire.until_fresh()
        prompt_ms = wire.feed.lag.quantile_ms(0.5)
        wire.break_with("lag:4")
        await wire.until(
            lambda: wire.feed.lag.quantile_ms(0.99) > prompt_ms + 2_500, "a long lag", 40
        )


def test_every_fault_that_concerns_the_lean_plan_is_tried_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    elsewhere = {Fault.FLOOD}
    assert {f for f in Fault if f'"{f.value}' not in source} <= elsewhere
