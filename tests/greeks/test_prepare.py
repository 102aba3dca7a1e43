"""Forwards recovered by parity, volatilities implied where missing, both marked as such."""

import numpy as np
import pytest

from greeks.black76 import compute_greeks
from greeks.chain import OptionChain
from greeks.conventions import ForwardSource, IvSource, RowStatus, Settlement
from greeks.exposure import compute_exposure
from greeks.forwards import parity_forward, repair_forwards
from greeks.prepare import prepare_chain
from tests.builders import make_chain, with_columns


def marked(chain: OptionChain, true_forward: float) -> OptionChain:
    """The chain with marks that were made on `true_forward`."""
    usd = compute_greeks(
        np.full(len(chain), true_forward),
        chain.strike,
        chain.years_to_expiry,
        chain.mark_iv,
        chain.is_call,
    ).price
    inverse = chain.settlement == Settlement.INVERSE
    return with_columns(chain, mark_price=np.where(inverse, usd / true_forward, usd))


@pytest.mark.parametrize("settlement", Settlement)
def test_parity_gives_the_forward_that_the_marks_were_made_with(settlement: Settlement) -> None:
    chain = make_chain(
        settlements=(settlement,), days=(2,), forward=1e5, forward_source=ForwardSource.INDEX
    )
    repaired = repair_forwards(marked(chain, 100_087.0))
    assert repaired.forward == pytest.approx(np.full(len(chain), 100_087.0), rel=1e-12)
    assert set(repaired.forward_source) == {ForwardSource.PARITY}


def test_only_expiries_that_name_the_index_are_recovered() -> None:
    source = np.repeat([ForwardSource.INDEX, ForwardSource.FUTURE], 10)
    chain = marked(make_chain(days=(2, 9), forward=1e5, forward_source=source), 100_050.0)
    repaired = repair_forwards(chain)
    assert repaired.forward[:10] == pytest.approx(np.full(10, 100_050.0))
    assert repaired.forward[10:].tolist() == [1e5] * 10
    table = compute_exposure(repaired, np.ones(20), "test").by_expiry
    assert table.forward_source.tolist() == [ForwardSource.PARITY, ForwardSource.FUTURE]


def test_a_parity_forward_that_cannot_be_true_is_not_believed() -> None:
    chain = make_chain(days=(2,), forward=1e5, forward_source=ForwardSource.INDEX)
    for spoiled in (marked(chain, 110_000.0), chain):  # far off, and without marks
        assert repair_forwards(spoiled).forward.tolist() == [1e5] * len(chain)


@pytest.mark.parametrize("nonsense", [0.0, -1.0, 1e9, 1e-3])
def test_a_forward_that_cannot_be_true_is_rejected(nonsense: float) -> None:
    chain = make_chain(forward=np.repeat([1e5, nonsense], 10))
    repaired = repair_forwards(chain)
    assert repaired.status.tolist() == [RowStatus.OK] * 10 + [RowStatus.NO_FORWARD] * 10
    assert np.isnan(repaired.forward[10:]).all()


def test_a_chain_that_lacks_nothing_is_returned_as_it_is() -> None:
    chain = make_chain()
    assert prepare_chain(chain) is chain


def test_inverse_parity_solves_for_the_forward() -> None:
    call, put = np.array([0.0521]), np.array([0.0102])
    forward = parity_forward(call, put, np.array([9.6e4]), Settlement.INVERSE)
    assert (call - put) * forward == pytest.approx(forward - 9.6e4, rel=1e-12)


def missing(rows: list[int], chain: OptionChain) -> OptionChain:
    gone = np.isin(np.arange(len(chain)), rows)
    return with_columns(
        chain,
        mark_iv=np.where(gone, np.nan, chain.mark_iv),
        status=np.where(gone, RowStatus.NO_IV, chain.status).astype(np.int8),
    )


def test_a_missing_volatility_is_the_twins_mark() -> None:
    chain = missing([3], make_chain(mark_iv=lambda k, _: 0.5 - 0.2 * k))
    ready = prepare_chain(chain)
    assert ready.mark_iv[3] == chain.mark_iv[2]
    assert (ready.iv_source[3], ready.status[3]) == (IvSource.TWIN, RowStatus.OK)
    assert set(np.delete(ready.iv_source, 3)) == {IvSource.MARK}


def test_where_both_are_missing_the_out_of_the_money_price_decides() -> None:
    whole = marked(make_chain(mark_iv=0.6), 1e5)
    ready = prepare_chain(missing([0, 1, 8, 9], whole))
    assert ready.mark_iv == pytest.approx(whole.mark_iv, rel=1e-10)
    assert ready.iv_source[[0, 1, 8, 9]].tolist() == [IvSource.PRICE] * 4


def test_a_row_without_any_price_stays_without_volatility() -> None:
    ready = prepare_chain(missing([0, 1], make_chain()))
    assert ready.status[:3].tolist() == [RowStatus.NO_IV, RowStatus.NO_IV, RowStatus.OK]
    assert np.isnan(ready.mark_iv[:2]).all()
