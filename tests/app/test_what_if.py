"""What-if: the laws that before, after and the flow between them must keep."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.board import Book, Selection, compute_selection, expiry_label
from app.what_if import (
    CustomerTrade,
    OptionName,
    Side,
    UnknownOptionError,
    UnpricedOptionError,
    WhatIf,
    compute_what_if,
    find_row,
)
from dealers.hedging import compute_hedge_flow
from greeks.conventions import Exposure, RowStatus, Settlement
from greeks.exposure import compute_exposure
from greeks.scenario import NOTHING_MOVES, Scenario
from tests.builders import make_chain, make_venue_chain

CHAIN = make_venue_chain(12, days=(0.5, 2, 20, 90), strikes_per_expiry=16)
BOARD = compute_selection(CHAIN, Selection())
GROSS = {exposure: BOARD.gross_of(exposure) for exposure in Exposure}


def ask(scenario: Scenario = NOTHING_MOVES, *trades: CustomerTrade) -> Any:
    return compute_what_if(BOARD, WhatIf(scenario, trades))


def test_nothing_asked_changes_nothing() -> None:
    answer = ask()
    assert answer["before"] == answer["after"]
    assert answer["flow"]["scenario_coin"] == 0
    assert answer["flow"]["trades_coin"] == 0
    net = answer["before"]["net"]
    assert net == {exposure.value: BOARD.net_of(exposure) for exposure in Exposure}


@pytest.mark.parametrize(("move", "hours"), [(2, 0), (-5, 0), (0, 20), (3, 60), (1, 9000)])
def test_the_flow_into_a_scenario_is_the_exact_re_hedge(move: float, hours: float) -> None:
    flow = compute_hedge_flow(
        CHAIN, BOARD.position_coin, np.array([float(move)]), np.array([hours * 3600.0])
    )
    arriving = ask(Scenario(move, 0, hours))["flow"]["scenario_coin"]
    assert arriving == pytest.approx(flow.flow_coin[0], abs=1e-9 * GROSS[Exposure.DELTA])


@settings(max_examples=25)
@given(
    row=st.integers(0, len(CHAIN) - 1),
    coins=st.floats(0.1, 1e4),
    side=st.sampled_from(Side),
    move=st.floats(-20, 20),
)
def test_a_trade_adds_itself_and_nothing_else(
    row: int, coins: float, side: Side, move: float
) -> None:
    name = CHAIN.instrument_name[row]
    without = ask(Scenario(move))
    with_it = ask(Scenario(move), CustomerTrade(name, coins, side))
    (added,) = with_it["trades"]
    assert added["position_change_coin"] == (-coins if side == Side.BUY else coins)
    for exposure in (Exposure.GEX, Exposure.DELTA, Exposure.VEGA):
        change = with_it["after"]["net"][exposure.value] - without["after"]["net"][exposure.value]
        assert added[exposure.value] == pytest.approx(change, abs=1e-9 * GROSS[exposure])
    assert with_it["flow"]["trades_coin"] == pytest.approx(-added["delta_coin"])
    assert with_it["flow"]["scenario_coin"] == pytest.approx(
        without["flow"]["scenario_coin"], abs=1e-9 * GROSS[Exposure.DELTA]
    )


def test_a_bought_and_sold_option_is_no_trade() -> None:
    name = CHAIN.instrument_name[40]
    both = ask(NOTHING_MOVES, *(CustomerTrade(name, 7.0, side) for side in Side))
    assert both["after"]["net"] == both["before"]["net"]


def test_customers_buying_shorten_dealers_gamma() -> None:
    row = int(np.argmin(np.abs(CHAIN.strike - CHAIN.index_price)))
    answer = ask(NOTHING_MOVES, CustomerTrade(CHAIN.instrument_name[row], 1000.0, Side.BUY))
    gex = Exposure.GEX.value
    assert answer["after"]["net"][gex] < answer["before"]["net"][gex]
    assert answer["trades"][0][gex] < 0


def test_an_expired_trade_is_over() -> None:
    name = CHAIN.instrument_name[0]
    answer = ask(Scenario(hours=24.0), CustomerTrade(name, 5.0, Side.BUY))
    assert answer["scenario"]["expired"] == [expiry_label(int(CHAIN.expiry_ms[0]))]
    assert answer["trades"][0]["delta_coin"] == 0


def test_the_after_board_is_the_board_of_the_moved_chain() -> None:
    answer = ask(Scenario(move_pct=3.0))
    flow = answer["after"]["hedge_flow"]
    assert flow["move_pct"][8] == 0
    assert flow["spot_usd"][8] == pytest.approx(CHAIN.index_price * 1.03)
    assert flow["flow_coin"][8] == pytest.approx(0, abs=1e-9)


def test_options_are_found_by_name_and_by_terms() -> None:
    chain = make_chain(settlements=(Settlement.INVERSE, Settlement.LINEAR))
    label = expiry_label(int(chain.expiry_ms[0]))
    linear = find_row(chain, OptionName(90_000.0, label, is_call=False, book=Book.LINEAR))
    assert chain.instrument_name[linear] == f"BTC_USDC-{label}-90000-P"
    either = find_row(chain, OptionName(90_000.0, label, is_call=False))
    assert chain.instrument_name[either] == f"BTC-{label}-90000-P"
    assert find_row(chain, chain.instrument_name[5]) == 5
    for unknown in ("BTC-1JAN99-1-C", OptionName(1.0, label, is_call=True)):
        with pytest.raises(UnknownOptionError):
            find_row(chain, unknown)


def test_a_trade_counts_alone_where_the_position_is_unknown() -> None:
    chain = make_chain(open_interest=lambda k, _: np.where(k == 0, np.nan, 100.0))
    board = compute_selection(chain, Selection())
    name = chain.instrument_name[4]
    assert np.isnan(board.position_coin[4])
    answer = compute_what_if(board, WhatIf(trades=(CustomerTrade(name, 2.0, Side.SELL),)))
    gex = Exposure.GEX.value
    change = answer["after"]["net"][gex] - answer["before"]["net"][gex]
    assert change == pytest.approx(answer["trades"][0][gex])
    assert change > 0


def test_an_option_without_a_mark_cannot_be_traded() -> None:
    chain = make_chain(
        mark_iv=lambda k, _: np.where(k == 0, np.nan, 0.5),
        status=[RowStatus.NO_IV if i in {4, 5, 14, 15} else RowStatus.OK for i in range(20)],
    )
    board = compute_exposure(chain, np.ones(len(chain)), "test")
    trade = CustomerTrade(chain.instrument_name[4], 1.0, Side.BUY)
    with pytest.raises(UnpricedOptionError, match=chain.instrument_name[4]):
        compute_what_if(board, WhatIf(trades=(trade,)))


def test_a_board_that_cannot_be_priced_has_no_flow_before_or_after() -> None:
    chain = make_chain(mark_iv=np.nan, status=RowStatus.NO_IV)
    board = compute_selection(chain, Selection())
    answer = compute_what_if(board, WhatIf(Scenario(move_pct=5.0)))
    for side in ("before", "after"):
        assert np.isnan(answer[side]["hedge_flow"]["flow_coin"]).all()
    assert np.isnan(answer["flow"]["scenario_coin"])
