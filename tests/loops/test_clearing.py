"""Where a price comes to rest: it solves its equation, and no other solution is on the way."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from greeks.conventions import FloatArray
from loops.clearing import Demand, find_resting_price
from loops.impact import ImpactLaw

NODES = np.linspace(-1.0, 1.0, 9)
hedges = st.lists(st.floats(-3.0, 3.0), min_size=9, max_size=9).map(np.array)
densities = st.lists(st.floats(0.0, 1.0), min_size=9, max_size=9).map(np.cumsum)


def demand_of(hedge: FloatArray, forced: FloatArray, held: FloatArray, most: float) -> Demand:
    none_yet = np.full(len(held), np.interp(0.0, NODES, forced))
    active = np.ones(len(held), bool)
    return Demand(NODES, hedge, forced, held, active, most, none_yet, none_yet)


@given(
    hedge=hedges,
    forced=densities,
    most=st.sampled_from([math.inf, 1.0]),
    volume=st.sampled_from([math.nan, 1.0]),
    start=st.floats(-1.5, 1.5),
)
def test_the_price_rests_at_the_first_solution_in_the_direction_of_the_push(
    hedge: FloatArray, forced: FloatArray, most: float, volume: float, start: float
) -> None:
    base, held = np.array([start, -start, start / 3]), np.array([0.0, 1.0, -2.0])
    demand = demand_of(hedge, forced, held, most)
    impact = ImpactLaw(0.4, 0.3, volume).of
    found = find_resting_price(base, demand, impact)
    # the slope of demand between nodes is at most 24 + 4, that of impact 0.4
    assert np.abs(found - base - impact(demand.at(found))).max() < 1e-9
    push = np.sign(impact(demand.at(base)))
    assert np.all((found - base) * push >= 0)
    for share in np.linspace(0.0, 0.999, 60):
        between = base + share * (found - base)
        excess = (base + impact(demand.at(between)) - between) * push
        assert np.all(excess > -1e-9)
