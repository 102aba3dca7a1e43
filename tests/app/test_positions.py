"""Following the tape beside the board: once, resumed, silent without data, alike in every view."""

import math
import time
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import orjson
import pytest

from app.board import NO_TAPE, compute_models
from app.hub import BoardState, FeedStatus, SnapshotHub
from app.positions import PositionService
from app.positions_store import (
    Followed,
    decode_followed,
    encode_followed,
    load_followed,
    save_followed,
)
from app.positions_views import compare_positions
from app.settings import Source
from app.store import Store
from app.views import header, rows, summary
from dealers.checkpoint import freeze_posterior
from dealers.flow import FlowBook
from dealers.hours import Hour, HourLog
from dealers.liquidity import RecentDepth
from dealers.posterior import PosteriorState
from dealers.reading import NOT_READ, TapeReading, read_tape
from dealers.rules import RULES, PositionModel
from dealers.tape import Trade
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY, Exposure, Regime, RowStatus
from ingest.tape_log import TapeLog
from tests.builders import AS_OF_MS, make_chain, with_columns
from tests.dealers.agent_market import AgentMarket, as_trades

BASE = make_chain(strikes=(90_000.0, 100_000.0, 110_000.0), days=(7, 30))
TAPE_MODELS = (PositionModel.FLOW, PositionModel.POSTERIOR)


@dataclass
class MarketFeed:
    """An agent market behind a tape log and a hub."""

    asset: str = "BTC"
    tape_since_ms: int | None = AS_OF_MS - MS_PER_DAY
    past_hours: tuple[Hour, ...] = ()
    tape: TapeLog = field(default_factory=TapeLog)
    hub: SnapshotHub = field(default_factory=SnapshotHub)
    market: AgentMarket = field(default_factory=lambda: AgentMarket(5, len(BASE)))
    steps: int = 0

    def trade(self, steps: int) -> list[Trade]:
        """Let every option trade, and book the prints."""
        first_ms = AS_OF_MS - MS_PER_DAY + 1000 * self.steps
        trades = as_trades(
            self.market.run(steps), BASE.instrument_name, 1000 + self.steps, first_ms
        )
        self.steps += steps
        for trade in trades:
            self.tape.record(trade)
        return trades

    @property
    def chain(self) -> OptionChain:
        return with_columns(
            BASE,
            as_of_ms=AS_OF_MS + 1000 * self.steps,
            open_interest_coin=self.market.open_interest_coin,
        )

    def publish(
        self, tape: TapeReading = NO_TAPE, status: FeedStatus = FeedStatus.LIVE
    ) -> BoardState:
        state = BoardState(
            asset=self.asset,
            seq=self.hub.next_seq(self.asset),
            status=status,
            source=Source.CUSTOM,
            position=PositionModel.NAIVE,
            models=compute_models(self.chain, tape),
            received_at=time.monotonic(),
            progress={},
            tape=tape,
        )
        self.hub.publish(state)
        return state


def traded_feed() -> MarketFeed:
    feed = MarketFeed()
    feed.market.run(200)
    feed.trade(30)
    feed.publish()
    return feed


async def test_models_answer_once_a_day_of_tape_was_read() -> None:
    feed = traded_feed()
    service = PositionService(feed, feed.hub, None)
    assert await service.step()
    reading = service.reading
    assert reading.trades == 30 * len(BASE)
    assert reading.missing == 0
    assert reading.followed == len(BASE)
    assert [reading.reason(model) for model in PositionModel] == [None] * 5
    chain = feed.chain
    flow = reading.position(PositionModel.FLOW, chain)
    taken = sum(
        trade.amount_coin * (1 if trade.side == "buy" else -1)
        for trade in feed.tape.booked_after(0)
        if trade.instrument_name == chain.instrument_name[0]
    )
    bound = chain.open_interest_coin[0]
    assert flow[0] == pytest.approx(np.clip(-taken, -bound, bound))
    again = await service.step()
    assert again
    assert service.reading.trades == reading.trades, "nothing new was booked"


@pytest.mark.parametrize("reason", ["no past", "stale", "no chain"])
async def test_nothing_is_learned_before_the_tape_is_whole_and_the_board_live(reason: str) -> None:
    feed = MarketFeed(tape_since_ms=None if reason == "no past" else AS_OF_MS - MS_PER_DAY)
    feed.trade(10)
    if reason != "no chain":
        feed.publish(status=FeedStatus.STALE if reason == "stale" else FeedStatus.LIVE)
    service = PositionService(feed, feed.hub, None)
    assert not await service.step()
    assert service.reading.reason(PositionModel.POSTERIOR) == NOT_READ


async def test_a_restart_counts_each_trade_once(store: Store) -> None:
    feed = traded_feed()
    service = PositionService(feed, feed.hub, store)
    await service.step()
    await service.keep()
    feed.trade(7)
    feed.publish()
    # the venue tells the last day again: the old prints and those missed while away
    reborn = PositionService(feed, feed.hub, store)
    await reborn.step()
    assert reborn.reading.trades == 37 * len(BASE)
    assert reborn.reading.missing == 0
    before, after = (
        np.array(sorted((name, *flow.signed_coin) for name, flow in book.flows.items()))
        for book in (
            FlowBook().apply(feed.tape.booked_after(0)),
            reborn._followed.state.book,
        )
    )
    assert (before == after).all()


async def test_a_restart_goes_on_with_the_depth_of_the_last_minutes(store: Store) -> None:
    feed = traded_feed()
    service = PositionService(feed, feed.hub, store)
    await service.step()
    for second in range(60):
        service.depth.record(AS_OF_MS + 1000 * second, 30e6)
    await service.keep()
    reborn = PositionService(feed, feed.hub, store)
    reborn.depth.record(AS_OF_MS + 200_000, 40e6)
    await reborn.step()
    assert reborn.depth.recent() == RecentDepth(30e6, 30e6, 30e6, covers_s=59.0, samples=61)
    reborn.depth.record(AS_OF_MS + 958_000, 40e6)
    assert reborn.depth.recent().samples == 3, "the rest is older than 15 minutes"


async def test_a_checkpoint_from_before_the_depth_was_kept_is_read(store: Store) -> None:
    feed = traded_feed()
    service = PositionService(feed, feed.hub, store)
    await service.step()
    await service.keep()
    packed = await load_followed(store, "BTC")
    assert packed is not None
    with np.load(BytesIO(packed)) as columns:
        arrays = dict(columns)
    plain = orjson.loads(arrays.pop("plain").tobytes())
    del plain["depth"]
    out = BytesIO()
    np.savez(out, plain=np.frombuffer(orjson.dumps(plain), np.uint8), **arrays)
    assert decode_followed(out.getvalue()).depth == ()


async def test_a_checkpoint_of_another_tape_is_not_believed(store: Store) -> None:
    feed = traded_feed()
    service = PositionService(feed, feed.hub, store)
    await service.step()
    service.depth.record(AS_OF_MS, 30e6)
    await service.keep()
    other = MarketFeed(tape_since_ms=AS_OF_MS + MS_PER_DAY, market=AgentMarket(6, len(BASE)))
    other.steps = 2 * 86_400  # two days later the numbers of the trades begin anew
    for trade in as_trades(
        other.market.run(5), BASE.instrument_name, 1000, AS_OF_MS + 2 * MS_PER_DAY
    ):
        other.tape.record(trade)
    other.publish()
    stranger = PositionService(other, other.hub, store)
    await stranger.step()
    assert stranger.depth.samples == (), "the market of another tape"
    assert stranger.reading.trades == 5 * len(BASE)


async def test_checkpoints_replace_each_other_and_bad_ones_start_anew(store: Store) -> None:
    assert await load_followed(store, "BTC") is None
    await save_followed(store, "BTC", 1, b"first")
    await save_followed(store, "BTC", 2, b"second")
    await save_followed(store, "ETH", 2, b"other")
    assert await load_followed(store, "BTC") == b"second"
    feed = traded_feed()
    service = PositionService(feed, feed.hub, store)
    assert await service.step()
    assert service.reading.trades == 30 * len(BASE)


def test_a_checkpoint_holds_everything() -> None:
    feed = traded_feed()
    rng = np.random.default_rng(1)
    state = PosteriorState(FlowBook(since_ms=AS_OF_MS - MS_PER_DAY), particles=50)
    state = state.observe(feed.chain, rng).apply(feed.trade(3)).observe(feed.chain, rng)
    state = state.apply(feed.trade(1))
    hours = HourLog().observe(AS_OF_MS, 100_000.0, math.nan).observe(AS_OF_MS + 3_600_000, 1.0, 0.5)
    depth = ((AS_OF_MS, 30e6), (AS_OF_MS + 1000, 31.5e6))
    again = decode_followed(encode_followed(Followed(state, hours.add_vega(7.0), depth)))
    assert again.depth == depth
    assert again.state.book == state.book
    assert again.state.pending == state.pending
    assert again.hours.hours[1] == hours.add_vega(7.0).hours[1]
    assert math.isnan(again.hours.hours[0].atm_iv)
    one, other = freeze_posterior(state), freeze_posterior(again.state)
    for name in ("position_coin", "log_weight", "odds", "lean"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-6, atol=1e-6)  # type: ignore[literal-required]
    for name in ("open_interest_coin", "prints"):
        assert np.array_equal(other[name], one[name])  # type: ignore[literal-required]


# Readings in other chains


def reading_of(feed: MarketFeed) -> TapeReading:
    state = PosteriorState(FlowBook(since_ms=AS_OF_MS - MS_PER_DAY)).apply(
        feed.tape.booked_after(0)
    )
    state = state.observe(feed.chain, np.random.default_rng(1))
    return read_tape(state, feed.chain, HourLog())


@pytest.mark.parametrize("model", TAPE_MODELS)
def test_a_reading_follows_its_options_into_other_chains(model: PositionModel) -> None:
    feed = traded_feed()
    reading, chain = reading_of(feed), feed.chain
    whole = reading.position(model, chain)
    part = chain.select(np.arange(len(chain)) % 2 == 1)
    assert np.array_equal(reading.position(model, part), whole[1::2])
    shrunk = with_columns(chain, open_interest_coin=chain.open_interest_coin / 100)
    assert np.all(np.abs(reading.position(model, shrunk)) <= shrunk.open_interest_coin)
    later = make_chain(strikes=(100_000.0,), days=(7, 90), open_interest=[5.0, 5.0, 5.0, 0.0])
    found = reading.position(model, later)
    assert np.isfinite(found[:2]).all(), "listed then"
    assert np.isnan(found[2]), "listed since: unknown"
    assert found[3] == 0, "nobody holds what has no open interest"


def test_without_a_tape_only_the_rules_know_anything() -> None:
    chain = traded_feed().chain
    models = compute_models(chain, NO_TAPE)
    for model in TAPE_MODELS:
        snapshot = models[model]
        assert all(math.isnan(snapshot.net_of(exposure)) for exposure in Exposure)
        assert all(math.isnan(snapshot.gross_of(exposure)) for exposure in Exposure)
        assert snapshot.regime is Regime.UNKNOWN
        assert snapshot.levels.flip_usd is None
        assert snapshot.levels.flip_reason == "net_gex_unknown"
        assert snapshot.levels.call_wall_usd is None
        assert np.isnan(snapshot.profile.gex_usd_per_1pct).all()
        assert np.isnan(snapshot.by_strike.exposures.values).all()
    for rule in RULES:
        assert math.isfinite(models[rule].net_of(Exposure.GEX))


# Side by side


def test_the_models_stand_side_by_side_with_the_numbers_of_their_own_boards() -> None:
    feed = traded_feed()
    state = feed.publish(reading_of(feed))
    found = compare_positions(state.models, state.tape, PositionModel.POSTERIOR)
    table = {row["position"]: row for row in rows(found.rows)}
    assert list(table) == [model.value for model in PositionModel]
    bound = table["customer_long"]["gross_gex_usd_per_1pct"]
    for model, snapshot in state.models.items():
        row = table[model.value]
        assert row["gex_usd_per_1pct"] == snapshot.net_of(Exposure.GEX)
        assert abs(row["gex_usd_per_1pct"]) <= bound
        assert row["regime"] == snapshot.regime.value
        assert row["coverage"] == pytest.approx(1.0)
        assert row["reason"] is None
    posterior = table["posterior"]
    for exposure in Exposure:
        lo, mean, hi = (posterior[f"{exposure.value}{end}"] for end in ("_lo", "", "_hi"))
        assert lo < mean < hi, exposure
    assert 0 <= posterior["p_short_gamma"] <= 1
    assert state.snapshot is not None
    headline: Any = summary(state, state.snapshot, state.models)["range"]
    for model in PositionModel:
        odds = table[model.value]["p_short_gamma"]
        assert headline[model.value]["p_short_gamma"] == pytest.approx(odds, nan_ok=True)
    assert math.isnan(table["flow"]["gex_usd_per_1pct_lo"])
    nets = [row["gex_usd_per_1pct"] for row in table.values()]
    assert found.range["gex_usd_per_1pct_lo"] == pytest.approx(min(nets), rel=1e-9)
    assert found.range["gex_usd_per_1pct_hi"] == pytest.approx(max(nets), rel=1e-9)
    assert found.range["models"] == 5
    assert found.stability["position"] == "posterior"


def test_models_without_data_stand_there_with_their_reason_and_no_number() -> None:
    state = traded_feed().publish()
    found = compare_positions(state.models, state.tape, PositionModel.FLOW)
    table = {row["position"]: row for row in rows(found.rows)}
    for model in TAPE_MODELS:
        numbers = {k: v for k, v in table[model.value].items() if k != "bound_gex_usd_per_1pct"}
        numbers |= {"history_h": 0.0, "trades": 0, "missing_trades": 0}
        assert not [
            k for k, v in numbers.items() if isinstance(v, float) and v and not math.isnan(v)
        ]
        assert table[model.value]["reason"] == NOT_READ
    assert found.range["models"] == 3
    assert found.stability["first_cause"] is None
    assert math.isnan(found.stability["flip_usd"])
    assert header(state, state.models[PositionModel.FLOW])["position_reason"] == NOT_READ
    assert header(state, state.snapshot)["position_reason"] is None


@pytest.mark.parametrize(
    "unpriced",
    [
        {"mark_iv": np.nan, "status": RowStatus.NO_IV},
        {"forward": np.nan, "status": RowStatus.NO_FORWARD},
    ],
)
def test_where_no_option_can_be_priced_no_model_answers(unpriced: dict[str, Any]) -> None:
    feed = traded_feed()
    chain = with_columns(feed.chain, **unpriced)
    tape = reading_of(feed)
    models = compute_models(chain, tape)
    found = compare_positions(models, tape, PositionModel.POSTERIOR)
    assert found.range["models"] == 0
    assert math.isnan(found.range["gex_usd_per_1pct_lo"])
    for row in rows(found.rows):
        assert row["reason"] == "no option of the selection can be priced"
        for name in ("gex_usd_per_1pct", "gex_usd_per_1pct_lo", "delta_coin_hi", "p_no_flip"):
            assert math.isnan(row[name]), name
    assert math.isnan(found.stability["oi_noise_without_flip"])
