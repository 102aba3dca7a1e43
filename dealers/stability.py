"""How far a flip can be trusted: what moves it, and what would change the regime first."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from dealers.ladder import GexLadder, gex_per_coin
from greeks.book_levels import find_nearest_flips
from greeks.chain import OptionChain
from greeks.conventions import DAYS_PER_YEAR, MS_PER_DAY, VOL_POINT, FloatArray
from greeks.scenario import age_chain

OI_NOISE = 0.05
BASIS = 0.01
NOISE_DRAWS = 64


class FirstCause(StrEnum):
    """What would change the regime first."""

    SPOT = "spot_moved"
    LEVEL = "level_moved"
    POSITION = "position_changed"


@dataclass(frozen=True, slots=True)
class FlipStability:
    """Shifts of the flip nearest to spot, USD; NaN where there is no flip before or after.

    Attributes
    ----------
    flip_usd : the flip itself, NaN when there is none.
    oi_noise_usd : standard deviation under 5 % lognormal noise on every position.
    oi_noise_without_flip : share of noisy books that have no flip.
    iv_up_usd, iv_down_usd : shift for one point more, less of every volatility.
    basis_up_usd, basis_down_usd : shift for 1 % more, less of every forward at the same spot.
    day_usd : shift after one day in which nothing else changes.
    """

    flip_usd: float
    oi_noise_usd: float
    oi_noise_without_flip: float
    iv_up_usd: float
    iv_down_usd: float
    basis_up_usd: float
    basis_down_usd: float
    day_usd: float


@dataclass(frozen=True, slots=True)
class RegimeMargin:
    """How far the regime is from changing, each in units of a typical day's change; inf: never.

    Attributes
    ----------
    spot : log-distance of the flip over one day's standard deviation of spot.
    level : the same distance over the flip's larger shift by a day or by a point of volatility.
    position : |net GEX| over its standard deviation under 5 % noise on every position.
    first : the smallest of them; None when nothing changes the regime.
    """

    spot: float
    level: float
    position: float
    first: FirstCause | None


def compute_flip_stability(
    chain: OptionChain, position_coin: FloatArray, rng: np.random.Generator
) -> FlipStability:
    """Re-price the book under each disturbance and find its flip again.

    The size of each disturbance, 5 % of positions, 1 volatility point, 1 % of basis, one day, is
    a unit of comparison, not a forecast [A]. Noise is independent between options.
    """
    ladder = GexLadder.of(chain)
    flip = _flip(chain, position_coin)
    noisy = ladder.flips(_noisy(position_coin, rng))
    found = noisy[np.isfinite(noisy)]

    def shift(disturbed: OptionChain) -> float:
        return _flip(disturbed, position_coin) - flip

    return FlipStability(
        flip_usd=flip,
        oi_noise_usd=float(np.std(found)) if len(found) > 1 else np.nan,
        oi_noise_without_flip=1 - len(found) / len(noisy),
        iv_up_usd=shift(replace(chain, mark_iv=chain.mark_iv + VOL_POINT)),
        iv_down_usd=shift(replace(chain, mark_iv=np.maximum(chain.mark_iv - VOL_POINT, VOL_POINT))),
        basis_up_usd=shift(replace(chain, forward=chain.forward * (1 + BASIS))),
        basis_down_usd=shift(replace(chain, forward=chain.forward * (1 - BASIS))),
        day_usd=shift(age_chain(chain, chain.as_of_ms + MS_PER_DAY)),
    )


def compute_regime_margin(
    chain: OptionChain,
    position_coin: FloatArray,
    stability: FlipStability,
    atm_iv: float,
    rng: np.random.Generator,
) -> RegimeMargin:
    """Compare the three ways in which the sign of net GEX at spot can change.

    Spot reaches the level, the level drifts to spot, or positions change at both. `atm_iv`, a
    fraction, gives one day of spot: atm_iv / sqrt(365) [A: risk-neutral volatility].
    """
    held = np.nan_to_num(position_coin)
    per_coin = gex_per_coin(chain)
    net, spread = float(held @ per_coin), float(np.std(_noisy(held, rng) @ per_coin))
    distance = abs(float(np.log(stability.flip_usd / chain.index_price)))
    shifts = np.abs([stability.day_usd, stability.iv_up_usd, stability.iv_down_usd])
    drift = float(np.nanmax(shifts, initial=0.0)) / chain.index_price
    margins = {
        FirstCause.SPOT: _over(distance, atm_iv / np.sqrt(DAYS_PER_YEAR)),
        FirstCause.LEVEL: _over(distance, drift),
        FirstCause.POSITION: _over(abs(net), spread),
    }
    first = min(margins, key=lambda cause: margins[cause])
    return RegimeMargin(
        spot=margins[FirstCause.SPOT],
        level=margins[FirstCause.LEVEL],
        position=margins[FirstCause.POSITION],
        first=first if np.isfinite(margins[first]) else None,
    )


def _over(distance: float, unit: float) -> float:
    return float(distance / unit) if np.isfinite(distance) and unit > 0 else np.inf


def _flip(chain: OptionChain, position_coin: FloatArray) -> float:
    return float(find_nearest_flips(chain, position_coin[None, :])[0])


def _noisy(position_coin: FloatArray, rng: np.random.Generator) -> FloatArray:
    noise = rng.standard_normal((NOISE_DRAWS, len(position_coin)))
    return np.asarray(position_coin * np.exp(OI_NOISE * noise - OI_NOISE**2 / 2))
