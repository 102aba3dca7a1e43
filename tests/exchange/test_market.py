"""The synthetic market: reproducible, believable, and with books that always balance."""

import numpy as np
import pytest

from exchange.config import IndexPoint
from exchange.instruments import parse_strike
from exchange.market import SyntheticMarket
from exchange.smile import atm_vol
from exchange.specs import BOOKS, Kind
from exchange.state import OptionTable
from exchange.tape import EARLIER_PRINTS, Print
from exchange.wire import read_book
from exchange.wire_combos import encode_combo_ticker, quote_combo
from greeks.black76 import compute_greeks
from greeks.conventions import MS_PER_DAY, MS_PER_YEAR, FloatArray
from tests.exchange.peers import START_MS, make_config

BOTH = ("BTC", "ETH")


def walked(seed: int, steps: int = 40, activity: float = 1.0) -> SyntheticMarket:
    market = SyntheticMarket(make_config(seed=seed, assets=BOTH, activity=activity), START_MS)
    for k in range(1, steps + 1):
        market.advance(START_MS + 700 * k)
    return market


def fingerprint(market: SyntheticMarket) -> tuple[object, ...]:
    state = market.state
    return (
        [p.wire for p in state.tape.since(0)],
        {name: index.price for name, index in state.indices.items()},
        {n: t.columns.mark_iv.tolist() for n, t in state.options.items()},
        {n: (f.bids, f.asks, f.open_interest) for n, f in state.futures.items()},
        market.true_dealer_position_coin(),
    )


def net_gex(table: OptionTable, now_ms: int, shift: float) -> float:
    c = table.columns
    forward = c.forward * shift
    years: FloatArray = (c.expiry_ms - now_ms) / MS_PER_YEAR
    gamma = compute_greeks(forward, c.strike, years, c.mark_iv / 100, c.is_call).gamma
    position = np.where(c.is_call, 1.0, -1.0) * c.open_interest
    return float(np.sum(position * gamma * forward**2 * 0.01))


def test_the_same_seed_and_steps_give_the_same_market() -> None:
    assert fingerprint(walked(seed=7)) == fingerprint(walked(seed=7))


def test_another_seed_gives_another_market() -> None:
    assert fingerprint(walked(seed=7, steps=5)) != fingerprint(walked(seed=8, steps=5))


def test_the_universe_has_the_size_of_late_2026() -> None:
    state = SyntheticMarket(make_config(assets=BOTH), START_MS).state
    sizes = {name: len(table.instruments) for name, table in state.options.items()}
    assert 900 <= sizes["btc_usd"] <= 1150
    assert 750 <= sizes["eth_usd"] <= 950
    assert 400 <= sizes["btc_usdc"] + sizes["eth_usdc"] <= 800
    for table in state.options.values():
        assert set(table.underlying_index) <= set(state.futures)
    assert {"BTC-PERPETUAL", "ETH_USDC-PERPETUAL"} <= set(state.futures)


def test_every_coin_together_lists_more_than_four_thousand_options() -> None:
    everything = tuple(dict.fromkeys(book.asset.name for book in BOOKS))
    state = SyntheticMarket(make_config(assets=everything), START_MS).state
    assert sum(len(table.instruments) for table in state.options.values()) > 4000
    sizes = {"SOL": 10, "XRP": 1000, "HYPE": 10, "AVAX": 100, "TRX": 10_000}
    for coin, contract in sizes.items():
        table = state.options[f"{coin.lower()}_usdc"]
        assert {i.contract_size for i in table.instruments} == {contract}
        assert all(parse_strike(i.name.split("-")[2]) == i.strike for i in table.instruments)
        assert np.all(table.columns.open_interest % contract == 0)
    assert any("d" in i.name.split("-")[2] for i in state.options["trx_usdc"].instruments)


def test_open_interest_is_where_recorded_chains_have_it() -> None:
    market = SyntheticMarket(make_config(assets=BOTH), START_MS)
    c = market.state.options["btc_usd"].columns
    held = c.open_interest / c.open_interest.sum()
    days = (c.expiry_ms - START_MS) / MS_PER_DAY
    assert 0.4 < held[days < 65].sum() < 0.8
    assert held[days > 280].sum() < 0.1
    by_strike = {k: float(held[c.strike == k].sum()) for k in np.unique(c.strike)}
    heaviest = sorted(by_strike, key=by_strike.__getitem__)[-5:]
    assert sum(k % 10_000 == 0 for k in heaviest) >= 3
    assert 0.08 < np.mean(c.open_interest == 0) < 0.25
    gross = np.sum(c.open_interest * c.gamma * c.forward**2 * 0.01)
    assert 150e6 < gross < 1000e6


def test_a_fall_lifts_the_front_more_than_the_back() -> None:
    years = np.array([1 / 365, 30 / 365, 300 / 365])
    calm, shaken = atm_vol(0.42, 0.42, years), atm_vol(0.6, 0.42, years)
    assert np.all(np.diff(calm) > 0)
    assert calm[1] == pytest.approx(0.42)
    assert shaken[1] == pytest.approx(0.6)
    assert np.all(np.diff(shaken / calm) < 0)


def test_the_day_before_the_tape_leaves_evenly() -> None:
    market = SyntheticMarket(make_config(activity=0.0), START_MS)
    perpetual = market.state.futures["BTC-PERPETUAL"]
    begun = perpetual.volume_usd
    assert 0.3 < begun / perpetual.open_interest < 1.5
    market.advance(START_MS + 6 * 3_600_000)
    assert perpetual.volume_usd == pytest.approx(0.75 * begun, rel=0.02)
    market.advance(START_MS + 25 * 3_600_000)
    assert perpetual.volume_usd == 0.0
    assert np.isnan(perpetual.high)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", ["btc_usd", "eth_usd"])
def test_naive_gamma_flips_a_few_per_cent_below_spot(seed: int, name: str) -> None:
    market = SyntheticMarket(make_config(seed=seed, assets=BOTH), START_MS)
    table = market.state.options[name]
    assert net_gex(table, START_MS, 1.0) > 0
    assert net_gex(table, START_MS, 0.985) > 0
    assert net_gex(table, START_MS, 0.92) < 0


def test_put_and_call_of_a_strike_share_a_volatility_and_parity_holds() -> None:
    c = walked(seed=1).state.options["btc_usd"].columns
    order = np.lexsort((c.is_call, c.strike, c.expiry_ms))
    puts, calls = order[0::2], order[1::2]
    assert np.array_equal(c.strike[puts], c.strike[calls])
    assert np.array_equal(c.mark_iv[puts], c.mark_iv[calls])
    parity = 1.0 - c.strike[calls] / c.forward[calls]
    gap = c.mark_price[calls] - c.mark_price[puts] - parity
    assert np.max(np.abs(gap)) < 3e-8  # two marks rounded to 8 decimals


def test_smiles_have_no_butterfly_arbitrage() -> None:
    table = walked(seed=1).state.options["btc_usd"]
    c = table.columns
    for i in range(len(table.expiries)):
        rows = np.flatnonzero((table.expiry_row == i) & c.is_call)
        rows = rows[np.argsort(c.strike[rows])]
        years = (c.expiry_ms[rows] - table.columns.timestamp[rows]) / MS_PER_YEAR
        price = compute_greeks(
            c.forward[rows], c.strike[rows], years, c.mark_iv[rows] / 100, c.is_call[rows]
        ).price
        slopes = np.diff(price) / np.diff(c.strike[rows])
        # volatilities are rounded to 0.01 points, which moves a slope by a few 1e-4
        assert np.all(np.diff(slopes) > -2e-3)


def test_longs_equal_shorts_and_open_interest_is_what_agents_hold() -> None:
    market = walked(seed=3, steps=60, activity=8.0)
    for options in market.option_markets:
        books = options.agents
        dealers_long = np.maximum(books.dealers, 0).sum(axis=0)
        dealers_short = np.maximum(-books.dealers, 0).sum(axis=0)
        assert np.array_equal(books.longs + dealers_long, books.shorts + dealers_short)
        assert books.longs.min() >= 0
        assert books.shorts.min() >= 0
        held = (books.longs + dealers_long) * options.book.min_amount
        assert np.allclose(held, options.table.columns.open_interest, atol=1e-6)


def test_open_interest_moves_only_with_trades_and_never_by_more() -> None:
    market = SyntheticMarket(make_config(seed=5, activity=8.0), START_MS)
    table = market.state.options["btc_usd"]
    serial = market.state.tape.next_serial
    before = table.columns.open_interest.copy()
    for k in range(1, 60):
        market.advance(START_MS + 1000 * k)
    traded = dict.fromkeys(table.rows, 0.0)
    for p in market.state.tape.since(serial):
        if p.instrument.name in traded:
            traded[p.instrument.name] += p.amount
    moved = np.abs(table.columns.open_interest - before)
    volume = np.array([traded[i.name] for i in table.instruments])
    assert moved.max() > 0
    assert np.all(moved <= volume + 1e-6)


def test_dealers_never_hold_more_than_open_interest() -> None:
    market = walked(seed=2, steps=60, activity=8.0)
    truth = market.true_dealer_position_coin()
    for table in market.state.options.values():
        for name, row in table.rows.items():
            assert abs(truth[name]) <= table.columns.open_interest[row] + 1e-9


def test_sequences_have_no_holes_and_numbers_rise_per_currency() -> None:
    market = walked(seed=4, steps=60, activity=10.0)
    last_seq: dict[str, int] = {}
    last_number: dict[tuple[str, str], int] = {}
    last_time = 0
    for p in market.state.tape.since(0):
        name = p.instrument.name
        is_older = p.instrument.kind is Kind.OPTION and p.instrument.created_ms < START_MS
        assert p.trade_seq == last_seq.get(name, EARLIER_PRINTS if is_older else 0) + 1
        key = (p.instrument.currency, p.instrument.asset)
        assert p.number > last_number.get(key, 0)
        assert p.timestamp >= last_time
        last_seq[name], last_number[key] = p.trade_seq, p.number
        last_time = p.timestamp


def test_trades_come_every_few_seconds_and_the_index_moves_within_minutes() -> None:
    market = SyntheticMarket(make_config(seed=6), START_MS)
    prices = []
    for k in range(1, 121):
        market.advance(START_MS + 5000 * k)
        prices.append(market.state.indices["btc_usd"].price)
    kinds = [p.instrument.name for p in market.state.tape.since(0)]
    assert sum(name == "BTC-PERPETUAL" for name in kinds) > 200
    assert sum(name.startswith("BTC-") and name.count("-") == 3 for name in kinds) > 100
    assert 30 < max(prices) - min(prices) < 2000


def test_a_script_drives_the_index_through_its_corners() -> None:
    script = (
        IndexPoint(0, "BTC", 90_000.0), IndexPoint(10, "BTC", 80_000.0),
        IndexPoint(20, "BTC", 95_000.0),
    )  # fmt: skip
    market = SyntheticMarket(make_config(index_script=script, history_s=120), START_MS)
    assert market.state.indices["btc_usd"].price == 90_000.0
    for seconds, price in ((4, 86_000.0), (10, 80_000.0), (14, 86_000.0), (60, 95_000.0)):
        market.advance(START_MS + seconds * 1000)
        assert market.state.indices["btc_usd"].price == pytest.approx(price, abs=0.01)
    forwards = market.state.options["btc_usd"].columns.forward
    assert forwards.min() > 94_000.0


def test_a_wide_step_ends_where_small_steps_end() -> None:
    script = (IndexPoint(0, "BTC", 90_000.0), IndexPoint(7200, "BTC", 99_000.0))
    market = SyntheticMarket(make_config(index_script=script), START_MS)
    market.advance(START_MS + 3_600_000)
    state = market.state
    assert state.indices["btc_usd"].price == pytest.approx(94_500.0, abs=90)
    assert state.now_ms == START_MS + 3_600_000
    assert state.options["btc_usd"].columns.timestamp.max() > START_MS + 3_500_000


def test_a_combo_prints_once_whole_and_once_a_leg() -> None:
    market = SyntheticMarket(make_config(seed=9, activity=40.0), START_MS)
    for k in range(1, 60):
        market.advance(START_MS + 1000 * k)
    prints = list(market.state.tape.since(0))
    combos = [p for p in prints if p.instrument.kind is Kind.OPTION_COMBO]
    by_id = {p.wire["trade_id"]: p for p in prints}
    assert len(combos) > 5
    for combo in combos:
        legs = combo.wire["legs"]
        assert isinstance(legs, list)
        assert len(legs) == len(combo.instrument.legs) == 2
        for leg, part in zip(combo.instrument.legs, legs, strict=True):
            printed = by_id[part["trade_id"]]
            assert printed.wire == part
            assert printed.number > combo.number
            assert part["combo_id"] == combo.instrument.name
            assert part["combo_trade_id"] == combo.wire["trade_id"]
            assert part["instrument_name"] == leg.instrument_name
            assert (part["direction"] == combo.wire["direction"]) == (leg.ratio > 0)
        price = sum(
            leg.ratio * part["price"] for leg, part in zip(combo.instrument.legs, legs, strict=True)
        )
        assert combo.price == pytest.approx(price)


def test_a_future_spread_prints_whole_and_once_a_leg() -> None:
    market = SyntheticMarket(make_config(seed=9, activity=40.0), START_MS)
    for k in range(1, 60):
        market.advance(START_MS + 1000 * k)
    prints = list(market.state.tape.since(0))
    by_id = {p.wire["trade_id"]: p for p in prints}
    spreads = [p for p in prints if p.instrument.kind is Kind.FUTURE_COMBO]
    assert len(spreads) > 5
    assert any(p.instrument.name.endswith("_PERP") for p in spreads)
    for spread in spreads:
        near, far = spread.wire["legs"]
        assert by_id[far["trade_id"]].wire == far
        assert {near["combo_id"], far["combo_id"]} == {spread.instrument.name}
        assert far["direction"] == spread.wire["direction"] != near["direction"]
        assert near["amount"] == far["amount"] == spread.amount
        assert far["price"] - near["price"] == pytest.approx(spread.price, abs=1e-6)
        assert spread.number < by_id[near["trade_id"]].number
        assert spread.instrument.expiry_ms == min(
            market.state.futures[leg.instrument_name].instrument.expiry_ms
            for leg in spread.instrument.legs
        )


def test_a_combo_is_quoted_by_its_legs() -> None:
    market = SyntheticMarket(make_config(seed=9, activity=40.0), START_MS)
    market.advance(START_MS + 60_000)
    state = market.state
    assert len(state.combos) > 10
    for combo in state.combos.values():
        quote = quote_combo(state, combo)
        if quote.bid_amount and quote.ask_amount:
            assert quote.bid < quote.ask
        ticker = encode_combo_ticker(state, combo)
        assert ticker["mark_price"] == quote.mark
    marks = [quote_combo(state, combo).mark for combo in state.combos.values()]
    assert min(marks) < 0 < max(marks)


def test_each_currency_counts_its_book_changes_alone_and_upwards() -> None:
    market = SyntheticMarket(make_config(assets=BOTH), START_MS)
    seen: dict[str, int] = {}
    for k in range(1, 20):
        market.advance(START_MS + 1000 * k)
        for name in ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC-PERPETUAL", "BTC-27NOV26-90000-C"):
            image = read_book(market.state, name)
            assert image is not None
            assert image[2] >= seen.get(name, 0)
            seen[name] = image[2]
    assert seen["BTC-PERPETUAL"] // 10**9 == seen["BTC-27NOV26-90000-C"] // 10**9 == 136
    assert seen["BTC_USDC-PERPETUAL"] // 10**9 == 193


def test_a_block_counts_its_hedge_among_its_legs() -> None:
    market = SyntheticMarket(make_config(seed=9, activity=40.0), START_MS)
    for k in range(1, 60):
        market.advance(START_MS + 1000 * k)
    blocks: dict[object, list[Print]] = {}
    for p in market.state.tape.since(0):
        if "block_trade_id" in p.wire and "legs" not in p.wire:
            blocks.setdefault(p.wire["block_trade_id"], []).append(p)
    assert len(blocks) > 5
    for prints in blocks.values():
        assert {p.wire["block_trade_leg_count"] for p in prints} == {len(prints)}
        assert len({p.timestamp for p in prints}) == 1
    hedges = [p for prints in blocks.values() for p in prints if p.instrument.is_perpetual]
    assert hedges
