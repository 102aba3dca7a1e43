"""The posterior against the local exchange itself: a day of its tape, its own true inventory.

Unlike the small worlds of `tests.dealers`, everything is the product's: listed chains, prints with
blocks and combos, open interest as the venue shows it, net GEX and flips of the whole book.
"""

from dataclasses import dataclass

import numpy as np

from dealers.estimate import PositionEstimate, summarise_flips
from dealers.flow import FlowBook, is_option, position_from_flow
from dealers.ladder import GexLadder
from dealers.posterior import PosteriorState
from dealers.tape import AggressorSide, Liquidation, Trade
from exchange.config import ExchangeConfig
from exchange.market import SyntheticMarket
from exchange.tape import Print
from greeks.chain import OptionChain
from greeks.conventions import MS_PER_DAY, RowStatus, Settlement

START_MS = 1_769_083_200_000  # 2026-01-22 12:00 UTC
STEP_MS = 600_000


@dataclass(frozen=True, slots=True)
class WorldScore:
    """One seed; intervals are 5-95 %. Shares of the options with open interest or of 1.

    `gex_z`, `calls_z`, `puts_z` are errors of net GEX, of calls and of puts alone in standard
    deviations of the draws; `gex_error` is of gross.
    """

    trades: int
    rmse_flow: float
    rmse: float
    coverage: float
    traded_coverage: float
    expiry_coverage: float
    gex_error: float
    gex_width: float
    gex_covered: float
    gex_z: float
    calls_z: float
    puts_z: float
    flip_covered: float


def score_seed(seed: int, hours: int = 24, activity: float = 8.0) -> WorldScore:
    """Follow a market that opens with `seed`, ten minutes a step, and compare with its truth."""
    config = ExchangeConfig(seed=seed, assets=("BTC",), history_s=600, activity=activity)
    market = SyntheticMarket(config, START_MS)
    rng = np.random.default_rng(seed)
    state = PosteriorState(FlowBook(since_ms=START_MS - MS_PER_DAY))
    state, seen = state.observe(chain_of(market), rng), -1
    for step in range(hours * 6):
        market.advance(START_MS + (step + 1) * STEP_MS)
        prints = list(market.state.tape.since(seen))
        seen = prints[-1].serial if prints else seen
        trades = [as_trade(deal) for deal in prints if is_option(deal.instrument.name)]
        state = state.apply(trades).observe(chain_of(market), rng)
    return _score(market, state, chain_of(market), rng)


def _score(
    market: SyntheticMarket, state: PosteriorState, chain: OptionChain, rng: np.random.Generator
) -> WorldScore:
    true = market.true_dealer_position_coin()
    truth = np.array([true[name] for name in chain.instrument_name])
    ladder = GexLadder.of(chain)
    found = state.estimate(chain, ladder, rng)
    interest = chain.open_interest_coin
    held = interest > 0
    flow = position_from_flow(chain, state.book)
    traded = held & np.array([state.book.flows[name].trades > 0 for name in chain.instrument_name])
    inside = (found.lo_coin <= truth) & (truth <= found.hi_coin)
    net = float(truth @ ladder.at_spot)
    flips = summarise_flips(found.draws_coin, ladder)
    flip = float(ladder.flips(truth[None, :])[0])
    return WorldScore(
        trades=sum(of.trades for of in state.book.flows.values()),
        rmse_flow=_rmse(flow, truth, interest),
        rmse=_rmse(found.mean_coin, truth, interest),
        coverage=float(inside[held].mean()),
        traded_coverage=float(inside[traded].mean()),
        expiry_coverage=_expiry_coverage(chain, found, truth, ladder),
        gex_error=(found.gex.net - net) / found.gex.gross,
        gex_width=found.gex.width_of_gross,
        gex_covered=float(found.gex.lo <= net <= found.gex.hi),
        gex_z=_z(found, truth, ladder.at_spot),
        calls_z=_z(found, truth, ladder.at_spot * chain.is_call),
        puts_z=_z(found, truth, ladder.at_spot * ~chain.is_call),
        flip_covered=float(flips.lo_usd <= flip <= flips.hi_usd) if np.isfinite(flip) else np.nan,
    )


def _rmse(position: np.ndarray, truth: np.ndarray, interest: np.ndarray) -> float:
    held = interest > 0
    return float(np.sqrt(np.mean(((position - truth)[held] / interest[held]) ** 2)))


def _z(found: PositionEstimate, truth: np.ndarray, per_coin: np.ndarray) -> float:
    drawn = found.draws_coin @ per_coin
    return float((truth @ per_coin - drawn.mean()) / drawn.std())


def _expiry_coverage(
    chain: OptionChain, found: PositionEstimate, truth: np.ndarray, ladder: GexLadder
) -> float:
    """How often the interval of one expiry's net GEX holds its truth."""
    inside = []
    for expiry in np.unique(chain.expiry_ms):
        per_coin = ladder.at_spot * (chain.expiry_ms == expiry)
        lo, hi = np.quantile(found.draws_coin @ per_coin, (0.05, 0.95))
        inside.append(lo <= truth @ per_coin <= hi)
    return float(np.mean(inside))


def as_trade(deal: Print) -> Trade:
    """The print as a client reads it."""
    wire = deal.wire
    liquidation = wire.get("liquidation")
    return Trade(
        trade_id=str(wire["trade_id"]),
        trade_seq=deal.trade_seq,
        ts_event=deal.timestamp,
        instrument_name=deal.instrument.name,
        side=AggressorSide(wire["direction"]),
        amount_coin=deal.volume_coin,
        price=deal.price,
        iv=np.nan,
        index_price_usd=float(wire["index_price"]),
        block_trade_id=wire.get("block_trade_id"),
        block_rfq_id=wire.get("block_rfq_id"),
        combo_id=wire.get("combo_id"),
        liquidation=None if liquidation is None else Liquidation(liquidation),
    )


def chain_of(market: SyntheticMarket) -> OptionChain:
    """Both books of the market as one chain."""
    parts = []
    for options in market.option_markets:
        columns = options.table.columns
        settlement = Settlement.INVERSE if options.book.is_inverse else Settlement.LINEAR
        for row, instrument in enumerate(options.table.instruments):
            key = columns.expiry_ms[row], columns.strike[row], settlement, columns.is_call[row]
            parts.append((key, instrument.name, columns, row, settlement))
    parts.sort(key=lambda part: part[0])
    names = [name for _, name, *_ in parts]

    def column(name: str) -> np.ndarray:
        return np.array([getattr(columns, name)[row] for *_, columns, row, _ in parts])

    n, iv, unknown = len(parts), column("mark_iv") / 100, np.full(len(parts), np.nan)
    return OptionChain(
        asset="BTC",
        as_of_ms=market.state.now_ms,
        index_price=market.state.indices["btc_usd"].price,
        seq=1,
        gaps=0,
        instrument_name=tuple(names),
        strike=column("strike"),
        expiry_ms=column("expiry_ms"),
        is_call=column("is_call"),
        settlement=np.array([part[-1] for part in parts], np.int8),
        forward=column("forward"),
        mark_iv=iv,
        bid_iv=unknown,
        ask_iv=unknown.copy(),
        mark_price=column("mark_price"),
        open_interest_coin=column("open_interest"),
        ts_event=np.full(n, market.state.now_ms),
        status=np.where(iv > 0, RowStatus.OK, RowStatus.NO_IV).astype(np.int8),
    )
