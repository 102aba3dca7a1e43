"""E1: inventory from start, net flow and noise, weighed by the overlap that OI allows.

Needs only sums of the tape, so it serves every option at once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from dealers.attribution import ATTRIBUTIONS, TradeClass
from dealers.flow import FlowColumns
from dealers.marginals import Marginals, SharedError, from_weights
from greeks.conventions import FloatArray

START_LOADING = 0.10
"""How much unknown starts of one option type have in common [A]. 0 would let a thousand unknown
signs cancel, and open interest alone would seem to tell net GEX."""
_FLOOR = 1e-12  # odds left to a book that contradicts the tape: only the bound holds
_SPAN_SD = 6.0
_DUST = 1e-9  # coins; keeps an option without open interest out of divisions by zero


@dataclass(frozen=True, slots=True)
class OverlapPrior:
    """Assumptions of E1 [A].

    Attributes
    ----------
    effectiveness, effectiveness_sd : of e, the part of printed lit flow that dealers took over.
    overlap_shape, overlap_scale : Gamma of customers' overlap X; the scale in units of OI.
    """

    effectiveness: float = 0.95
    effectiveness_sd: float = 0.25
    overlap_shape: float = 1.5
    overlap_scale: float = 0.3


def estimate_three_term(
    flow: FlowColumns, open_interest_coin: FloatArray, prior: OverlapPrior | None = None
) -> Marginals:
    """Distribution of each option's inventory given its flow and its open interest.

    q = q0 - e F + sqrt(R) z with F the signed flow, weighted by class so that e is that of lit
    trades, and R = sum var(eps) v^2 plus mean v^2 for each missing trade. q0 = 0 where the tape
    reaches the listing, else uniform on +-OI0. OI = |q| + X, so that a q has the odds of X =
    OI - |q|: Gamma(shape, scale OI0), OI where the tape reaches the listing.

    Given e and z normal and q0 uniform, q before the evidence is normal or a difference of two
    normal integrals; the rest is a sum over a grid. The intervals are too narrow, as they
    are before `Marginals.widened`. NaN where OI is unknown.
    """
    prior = prior or OverlapPrior()
    interest = np.where(open_interest_coin >= 0, np.maximum(open_interest_coin, _DUST), np.nan)
    mean, shared_sd, noise = _moments(flow, prior)
    start = np.where(flow.reaches_listing, 0.0, flow.start_open_interest_coin)
    sd = np.sqrt(shared_sd**2 + noise) + _DUST * (interest + 1)
    scale = prior.overlap_scale * np.where(flow.reaches_listing, interest, start)
    grid = _grid(mean, sd, start, interest)
    with np.errstate(invalid="ignore", divide="ignore"):
        overlap = np.maximum(interest[:, None] - np.abs(grid), 0.0)
        least = overlap.min(axis=1, keepdims=True)
        decay = np.exp(np.maximum((least - overlap) / np.maximum(scale, _DUST)[:, None], -700.0))
        odds = _density(grid, mean, sd, start) + _FLOOR
        odds *= overlap ** (prior.overlap_shape - 1) * decay
        loadings = _loadings(flow, mean, shared_sd, sd, start)
        return from_weights(grid, odds * np.gradient(grid, axis=1), loadings)


def _loadings(
    flow: FlowColumns, mean: FloatArray, shared_sd: FloatArray, sd: FloatArray, start: FloatArray
) -> FloatArray:
    """Shares of the deviation before the evidence that are e's and q0's: (n, 3).

    More e takes every inventory further from its start. Starts are alike among calls and among
    puts, as far as customers overwrite all of them or none [A].
    """
    total = np.sqrt(sd**2 + start**2 / 3)
    of_start = START_LOADING * start / np.sqrt(3) / total
    loadings = np.zeros((len(mean), len(SharedError)))
    loadings[:, SharedError.ATTRIBUTION] = np.sign(mean) * shared_sd / total
    loadings[:, SharedError.START_OF_CALLS] = np.where(flow.is_call, of_start, 0.0)
    loadings[:, SharedError.START_OF_PUTS] = np.where(flow.is_call, 0.0, of_start)
    return loadings


def _moments(flow: FlowColumns, prior: OverlapPrior) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean of -e F, its standard deviation, and the variance R of the rest; each (n,)."""
    odds = [ATTRIBUTIONS[kind] for kind in TradeClass]
    lit = ATTRIBUTIONS[TradeClass.LIT]
    relative = np.array([of.effectiveness for of in odds]) / lit.effectiveness
    taken = flow.signed_coin @ relative
    noise = flow.squared_coin2 @ np.array([of.variance for of in odds])
    trades = np.maximum(flow.buys + flow.sells, 1)
    noise = noise + flow.missing * flow.squared_coin2.sum(axis=1) / trades
    return -prior.effectiveness * taken, prior.effectiveness_sd * np.abs(taken), noise


def _grid(mean: FloatArray, sd: FloatArray, start: FloatArray, interest: FloatArray) -> FloatArray:
    """(n, 194) points: coarse over all that OI allows, fine where the tape points to."""
    reach = start + _SPAN_SD * sd
    low = np.clip(mean - reach, -interest, interest)
    high = np.clip(mean + reach, -interest, interest)
    coarse = np.linspace(-interest, interest, 65, axis=1)
    return np.sort(np.hstack([coarse, np.linspace(low, high, 129, axis=1)]), axis=1)


def _density(grid: FloatArray, mean: FloatArray, sd: FloatArray, start: FloatArray) -> FloatArray:
    """Density of q before the evidence, up to a factor a row: normal, or spread over +- start."""
    z, width = (grid - mean[:, None]) / sd[:, None], (start / sd)[:, None]
    spread = (ndtr(z + width) - ndtr(z - width)) / np.maximum(2 * width, _DUST)
    return np.asarray(np.where(width > 1e-3, spread, np.exp(-z * z / 2) / np.sqrt(2 * np.pi)))
