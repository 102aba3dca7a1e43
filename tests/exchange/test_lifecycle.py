"""The roll at 08:00 UTC: the settlement average, states, delivery, and what is listed next."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from exchange.calendar import listed_expiries, parse_expiry
from exchange.config import IndexPoint
from exchange.market import SyntheticMarket
from exchange.wire import encode_ticker
from tests.exchange.peers import RefusalError, make_config, serve_peer

ROLL_MS = int(datetime(2026, 11, 24, 8, tzinfo=UTC).timestamp() * 1000)
MINUTE_MS = 60_000
EXPIRING = "BTC-24NOV26"
NEW = "BTC-28NOV26"


def market_at(offset_ms: int, **choices: object) -> SyntheticMarket:
    return SyntheticMarket(make_config(**choices), ROLL_MS + offset_ms)


def walk(market: SyntheticMarket, until_ms: int, step_ms: int) -> None:
    for at in range(market.state.now_ms + step_ms, ROLL_MS + until_ms + 1, step_ms):
        market.advance(at)


def test_the_calendar_lists_dailies_weeklies_monthlies_and_quarterlies() -> None:
    expiries = listed_expiries(ROLL_MS - 1)
    codes = ["24NOV26", "25NOV26", "26NOV26", "27NOV26", "4DEC26", "11DEC26", "25DEC26", "29JAN27",
             "26MAR27", "25JUN27", "24SEP27"]  # fmt: skip
    assert [e.ms for e in expiries] == [parse_expiry(code) for code in codes]
    assert [e.period for e in expiries][:8] == ["day"] * 3 + ["month"] + ["week"] * 2 + [
        "month"
    ] * 2
    assert all(a.ms < b.ms for a, b in pairwise(expiries))


def test_the_delivery_price_is_the_average_of_the_last_half_hour() -> None:
    script = (IndexPoint(0, "BTC", 90_000.0), IndexPoint(2400, "BTC", 92_400.0))
    market = market_at(-40 * MINUTE_MS, index_script=script)
    walk(market, 20_000, 20_000)
    day, price = market.state.delivery_prices["btc_usd"][0]
    assert day == "2026-11-24"
    assert price == pytest.approx(
        91_500.0, abs=3.0
    )  # the mean between 90,600 and 92,400, sampled at 5 s


def test_expiring_forwards_drift_to_the_average_and_gamma_fades() -> None:
    script = (IndexPoint(0, "BTC", 90_000.0), IndexPoint(2400, "BTC", 92_400.0))
    market = market_at(-40 * MINUTE_MS, index_script=script)
    walk(market, -MINUTE_MS, 20_000)
    index = market.state.indices["btc_usd"]
    assert market.state.futures[EXPIRING].mark_price == pytest.approx(
        index.delivery_estimate, abs=60
    )
    assert market.state.futures["BTC-25NOV26"].mark_price > 92_000
    ticker = encode_ticker(market.state, f"{EXPIRING}-90000-C")
    assert ticker is not None
    greeks = ticker["greeks"]
    assert isinstance(greeks, dict)
    assert 0 < greeks["delta"] < 0.06


def test_an_expired_option_shows_its_last_words_before_it_leaves() -> None:
    market = market_at(-MINUTE_MS)
    walk(market, 0, 1000)
    name = next(n for n in market.state.options["btc_usd"].rows if n.startswith(f"{EXPIRING}-8"))
    ticker = encode_ticker(market.state, name)
    assert ticker is not None
    assert ticker["estimated_delivery_price"] == "expired"
    assert ticker["state"] == "open"
    assert ticker["mark_iv"] == 250.0
    assert ticker["ask_iv"] == 500.0
    assert set(ticker["greeks"].values()) == {0.0}  # type: ignore[attr-defined]


def test_states_follow_each_other_at_the_roll() -> None:
    market = market_at(-MINUTE_MS)
    serial = market.state.notices.next_serial
    walk(market, 90_000, 400)
    words: dict[str, list[str]] = {}
    for notice in market.state.notices.since(serial):
        if not notice.created:
            words.setdefault(notice.instrument.name, []).append(notice.state)
    expired = [w for n, w in words.items() if n.startswith(EXPIRING)]
    others = [w for n, w in words.items() if n.startswith("BTC-25DEC26")]
    assert len(expired) > 30
    assert all(w == ["settlement", "delivered", "archivized"] for w in expired)
    assert len(others) > 50
    assert all(w == ["settlement", "open"] for w in others)


def test_expired_options_leave_with_their_open_interest_and_their_holders() -> None:
    market = market_at(-MINUTE_MS)
    assert any(n.startswith(EXPIRING) for n in market.true_dealer_position_coin())
    walk(market, 5000, 400)
    table = market.state.options["btc_usd"]
    truth = market.true_dealer_position_coin()
    assert not any(n.startswith(EXPIRING) for n in table.rows)
    assert set(truth) == set(table.rows) | set(market.state.options["btc_usdc"].rows)
    assert EXPIRING not in market.state.futures
    assert table.columns.expiry_ms.min() > ROLL_MS


def test_new_expiries_are_listed_13_to_24_seconds_after_the_hour_and_start_empty() -> None:
    market = market_at(-MINUTE_MS)
    serial = market.state.notices.next_serial
    walk(market, 30_000, 400)
    created = [n for n in market.state.notices.since(serial) if n.created]
    fresh = [n for n in created if n.instrument.name.startswith(NEW)]
    assert len(fresh) > 40
    assert NEW in market.state.futures
    for notice in fresh:
        assert 13_000 <= notice.timestamp - ROLL_MS <= 24_000
        assert notice.instrument.created_ms == notice.timestamp
    table = market.state.options["btc_usd"]
    rows = [i for n, i in table.rows.items() if n.startswith(NEW)]
    assert table.columns.open_interest[rows].sum() < 100
    assert (table.columns.mark_iv[rows] > 5).all()


def test_a_moved_market_gets_new_strikes_at_a_minute_past_noon() -> None:
    noon_ms = ROLL_MS + 4 * 60 * MINUTE_MS
    script = (IndexPoint(0, "BTC", 90_000.0), IndexPoint(60, "BTC", 104_000.0))
    market = SyntheticMarket(make_config(index_script=script), noon_ms)
    market.advance(noon_ms + 50_000)
    before = set(market.state.options["btc_usd"].rows)
    for at in range(noon_ms + 52_000, noon_ms + 70_000, 2000):
        market.advance(at)
    added = set(market.state.options["btc_usd"].rows) - before
    assert len(added) > 20


def test_nothing_trades_while_the_books_are_in_settlement() -> None:
    market = market_at(-MINUTE_MS, activity=50.0)
    walk(market, 8000, 400)
    within = [p.timestamp for p in market.state.tape.between(ROLL_MS + 800, ROLL_MS + 2400)]
    assert not within
    assert market.state.tape.between(ROLL_MS + 3000, ROLL_MS + 8000)


def test_four_days_leave_no_ghosts_and_no_growth() -> None:
    market = market_at(-MINUTE_MS, activity=0.05, history_s=0)
    sizes = []
    for day in range(4):
        market.advance(ROLL_MS + day * 1440 * MINUTE_MS + MINUTE_MS)
        table = market.state.options["btc_usd"]
        assert table.columns.expiry_ms.min() > market.state.now_ms
        wanted = {e.ms for e in listed_expiries(market.state.now_ms)}
        assert set(table.expiries.tolist()) == wanted
        sizes.append(len(table.rows))
        for options in market.option_markets:
            held = options.agents.longs + abs(options.agents.dealers.clip(0)).sum(axis=0)
            assert len(held) == len(options.table.rows)
    state = market.state
    assert max(sizes) < 2 * min(sizes)
    assert len(state.retired) < 600
    assert len(state.tape.days) < 4000
    assert len(state.tape.between(0, state.now_ms)) < 20_000


async def test_a_delivered_option_is_not_active_and_its_delivery_is_told() -> None:
    config = make_config(start_ms=ROLL_MS - 2000, speed=0.5)
    async with serve_peer(config) as (exchange, peer):
        channel = "instrument.state.option.BTC"
        await peer.call("public/subscribe", channels=[channel])
        name = next(n for n in exchange.market.state.options["btc_usd"].rows if EXPIRING in n)
        seen = []
        while "delivered" not in seen:
            push = await peer.next(channel)
            if push["instrument_name"] == name:
                seen.append(push["state"])
        assert seen == ["settlement", "delivered"]
        with pytest.raises(RefusalError) as refused:
            await peer.call("public/ticker", instrument_name=name)
        assert refused.value.data["reason"] == "instrument is not active"
        prices = await peer.call("public/get_delivery_prices", index_name="btc_usd", count=1)
        assert prices["data"][0]["date"] == "2026-11-24"
        rows = await peer.call("public/get_last_settlements_by_currency", currency="BTC", count=50)
        kinds = {row["type"] for row in rows["settlements"]}
        assert {"settlement", "delivery", "exercise"} <= kinds or rows["continuation"]
        expired = await peer.call("public/get_instruments", currency="BTC", expired=True)
        assert name in {row["instrument_name"] for row in expired}
