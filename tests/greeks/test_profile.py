"""The fast profile against the exact one, and both against re-pricing a moved chain."""

import numpy as np
import pytest

from greeks.chain import OptionChain
from greeks.conventions import Exposure, FloatArray, Settlement, SmileDynamics
from greeks.dynamics import MovingBook
from greeks.exposure import compute_exposure
from greeks.ladder import LADDER, Ladder, build_plan
from greeks.mixture import Mixture
from greeks.profile import Book, Profile, compute_profile, exact_profile
from tests.builders import make_chain, make_venue_chain, with_columns

CURVES = (
    "gex_usd_per_1pct",
    "call_gex_usd_per_1pct",
    "put_gex_usd_per_1pct",
    "vega_usd_per_pt",
    "vanna_coin_per_pt",
    "charm_coin_per_day",
    "expiry_gex_usd_per_1pct",
)


def signed(chain: OptionChain, seed: int = 0) -> FloatArray:
    return chain.open_interest_coin * np.random.default_rng(seed).choice([-1.0, 1.0], len(chain))


def largest_error(fast: Profile, exact: Profile) -> float:
    """Largest |difference| over the largest value of each curve, of each expiry's too."""
    worst = 0.0
    for name in CURVES:
        a, b = np.atleast_2d(getattr(fast, name)), np.atleast_2d(getattr(exact, name))
        scale = np.abs(b).max(axis=1, initial=0.0)
        some = scale > 0
        worst = max(worst, float((np.abs(a - b)[some] / scale[some, None]).max(initial=0.0)))
    return worst


def both(chain: OptionChain, position: FloatArray) -> tuple[Profile, Profile]:
    book = Book.of(chain, position)
    return compute_profile(book), exact_profile(book, LADDER.levels(chain.index_price))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("twins_differ", [0.0, 0.02, 1.0])
def test_the_fast_profile_of_a_listed_chain_is_exact(seed: int, twins_differ: float) -> None:
    chain = make_venue_chain(seed, twins_differ=twins_differ)
    assert largest_error(*both(chain, signed(chain, seed))) < 1e-11


def one_wing(chain: OptionChain) -> FloatArray:
    position = np.ones(len(chain))
    position[np.argmax(chain.strike)] = 1e9
    return position


ADVERSARIAL = {
    "one strike": (make_chain(strikes=(100_000,), days=(30,)), signed),
    "one strike far above the ladder": (make_chain(strikes=(250_000,), days=(60,)), signed),
    "six hours to expiry": (make_chain(days=(0.25,)), signed),
    "ten minutes to expiry, no average": (make_chain(days=(40 / 1440,)), signed),
    "basis points of volatility": (
        make_chain(mark_iv=lambda k, _: 0.5 + 0.001 * np.arange(len(k))),
        signed,
    ),
    "no interest at all": (make_chain(open_interest=0.0), signed),
    "one huge wing": (make_venue_chain(3), one_wing),
    "one huge wing outside": (make_chain(strikes=(90_000, 100_000, 300_000), days=(90,)), one_wing),
    "very volatile": (make_chain(mark_iv=5.0, days=(30, 365)), signed),
    "widths on the edge of a plan": (
        make_chain(days=(1, 2, 3), mark_iv=lambda _, t: 0.03 / np.sqrt(t)),
        signed,
    ),
}


@pytest.mark.parametrize("case", ADVERSARIAL, ids=str)
def test_the_fast_profile_of_an_adversarial_chain_is_exact(case: str) -> None:
    chain, position_of = ADVERSARIAL[case]
    fast, exact = both(chain, position_of(chain))
    assert largest_error(fast, exact) < 1e-11


@pytest.mark.parametrize("move", [0.7, 0.98, 1.0, 1.31])
def test_the_profile_is_the_exposure_of_the_moved_chain(move: float) -> None:
    chain = make_venue_chain(8, twins_differ=0.1)
    position = signed(chain)
    moved = with_columns(chain, index_price=chain.index_price * move, forward=chain.forward * move)
    there = compute_exposure(moved, position, "test")
    profile = exact_profile(Book.of(chain, position), np.array([chain.index_price * move]))
    for exposure, curve in (
        (Exposure.GEX, profile.gex_usd_per_1pct),
        (Exposure.VEGA, profile.vega_usd_per_pt),
        (Exposure.VANNA, profile.vanna_coin_per_pt),
        (Exposure.CHARM, profile.charm_coin_per_day),
    ):
        tolerance = 1e-12 * there.gross_of(exposure)
        assert curve[0] == pytest.approx(there.net_of(exposure), abs=tolerance)


def test_both_books_share_one_profile() -> None:
    chain = make_chain(settlements=(Settlement.INVERSE, Settlement.LINEAR))
    position = signed(chain)
    whole = exact_profile(Book.of(chain, position), LADDER.levels(1e5))
    total = np.zeros(LADDER.count)
    for book in Settlement:
        mine = np.where(chain.settlement == book, position, 0.0)
        total += compute_profile(Book.of(chain, mine)).gex_usd_per_1pct
    assert total == pytest.approx(
        whole.gex_usd_per_1pct, abs=1e-11 * np.abs(whole.gex_usd_per_1pct).max()
    )


def test_a_plan_carries_gaussians_of_its_width_and_wider_ones() -> None:
    ladder = Ladder(0.6, 1.6, 201)
    plan = build_plan(ladder, 0.05)
    assert len(plan.nodes) < ladder.count / 2
    rng = np.random.default_rng(5)
    for width in (0.05, 0.07, 0.2, 1.0):
        low, high = ladder.moves[[0, -1]]
        centre = rng.uniform(low - 11 * width, high + 11 * width, 200)[:, None]
        at_levels = np.exp(-0.5 * ((ladder.moves - centre) / width) ** 2)
        at_nodes = np.exp(-0.5 * ((plan.nodes - centre) / width) ** 2)
        error = np.abs(at_nodes @ plan.publish - at_levels).max(axis=1)
        assert np.max(error / at_levels.max(axis=1)) < 5e-12


@pytest.mark.parametrize("ladder", [LADDER, Ladder(count=801)])
@pytest.mark.parametrize("seed", range(4))
def test_fast_sums_of_groups_of_any_width_are_those_of_the_exact_ones(
    ladder: Ladder, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    widths = np.sort(np.exp(rng.uniform(np.log(1e-3), 0, 24)))
    sizes = rng.integers(1, 60, len(widths))
    sd = np.repeat(widths, sizes) * rng.uniform(1, 1.5, sizes.sum())
    centre = rng.uniform(-1, 1, len(sd))
    weights = rng.lognormal(0, 2, (2, len(sd))) * [[1], [-1]]
    weights[1] *= rng.choice([-1, 1], len(sd))
    starts = np.cumsum(sizes) - sizes
    mixture = Mixture(centre, sd, weights, starts)
    scale = Mixture(centre, sd, np.abs(weights), starts).at(ladder.moves).max()
    exact = mixture.at(ladder.moves)
    leading, further = mixture.on_with_groups(ladder)
    assert np.abs(mixture.on(ladder) - exact).max() < 1e-11 * scale
    assert np.abs(leading[:, 0] - exact[:1]).max() < 1e-11 * scale
    assert np.abs(further - exact[1:]).max() < 1e-11 * scale
    assert leading[:, 1:] == pytest.approx(mixture.groups_at(ladder.moves), abs=1e-11 * scale)


def test_sticky_strike_has_one_answer_on_the_fast_and_on_the_moving_path() -> None:
    chain = make_venue_chain(9, days=(1, 10, 60), strikes_per_expiry=15)
    position = signed(chain)
    moving = MovingBook.of(chain, position, stickiness=1.0).profile()
    assert largest_error(compute_profile(Book.of(chain, position)), moving) < 1e-11


def test_a_smile_that_moves_with_the_forward_moves_the_flip() -> None:
    chain = make_chain(
        strikes=np.arange(50_000, 200_001, 1000.0),
        days=(30,),
        mark_iv=lambda k, _: 0.5 - 0.3 * k + 0.5 * k**2,
    )
    position = np.zeros(len(chain))
    position[(chain.strike == 90_000) & ~chain.is_call] = -1000
    position[(chain.strike == 110_000) & chain.is_call] = 1000
    flips = {
        dynamics: compute_exposure(chain, position, "test", dynamics).levels.flip_usd
        for dynamics in SmileDynamics
    }
    assert flips[SmileDynamics.STICKY_STRIKE] == pytest.approx(97835.03, abs=0.01)
    assert flips[SmileDynamics.STICKY_MONEYNESS] == pytest.approx(97920.60, abs=0.01)


def test_a_flat_smile_does_not_care_how_it_moves() -> None:
    chain = make_chain()
    position = signed(chain)
    stuck, moved = (compute_exposure(chain, position, "test", how) for how in SmileDynamics)
    assert moved.profile.gex_usd_per_1pct == pytest.approx(
        stuck.profile.gex_usd_per_1pct, abs=1e-11 * stuck.gross[0]
    )
