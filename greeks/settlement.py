"""Greeks inside the settlement average: the last 30 minutes, 07:30 to 08:00 UTC of an expiry day.

Delivery is the mean X of index samples over a window of W = 1800 s, one each h = 4 s (n = 450).
With t seconds left, the share m = t/W of X is still open; a share 1 - m is fixed at the mean A of
the samples taken. A call is then m calls on the forward F of the open part, struck at
K' = (K - (1 - m) A)/m, with the variance of an average. Source: the venue's delivery rule; the
formulas by conditioning on A and matching two moments (theory 1.4).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.black76 import INV_SQRT_2PI, MIN_SD, Greeks, compute_greeks
from greeks.chain import OptionChain
from greeks.conventions import DAYS_PER_YEAR, SECONDS_PER_YEAR, BoolArray, FloatArray
from greeks.implied_vol import implied_sd

WINDOW_S = 1800.0
SAMPLE_S = 4.0
_WINDOW_YEARS = WINDOW_S / SECONDS_PER_YEAR


@dataclass(frozen=True, slots=True)
class AveragedOptions:
    """Options as Black-76 sees them inside the window, one element an option.

    Attributes
    ----------
    share : m, the part of the average that is still open, 0 to 1.
    forward : F of the open part, USD.
    strike : K', USD; not positive when the payoff is already certain to be on the call's side.
    sd : total standard deviation v of the open part's mean.
    iv : volatility that vega and its kin differentiate by, v proportional to it.
    years : t, time to expiry.
    is_call : true for calls.
    """

    share: FloatArray
    forward: FloatArray
    strike: FloatArray
    sd: FloatArray
    iv: FloatArray
    years: FloatArray
    is_call: BoolArray


def average_sd(iv: FloatArray, seconds_left: FloatArray, sample_s: float = SAMPLE_S) -> FloatArray:
    """Total standard deviation of the mean of the samples to come, from the index's volatility.

    v^2 = iv^2 [h (k + 1)(2 k + 1)/(6 k) + the time before the window]/Y with k samples to come
    and Y = 31,536,000 s; about iv^2 t/(3 Y) inside and iv^2 (t - 2 W/3)/Y before. `iv` is the
    volatility of the index, not the venue's mark, which is quoted for the plain time to expiry.
    """
    inside = np.clip(seconds_left, 0.0, WINDOW_S)
    k = np.maximum(inside / sample_s, 1e-12)
    spread = sample_s * (k + 1) * (2 * k + 1) / (6 * k)
    return np.asarray(iv * np.sqrt((spread + seconds_left - inside) / SECONDS_PER_YEAR))


def averaged_strike(strike: FloatArray, share: FloatArray, average: FloatArray) -> FloatArray:
    """K' = (K - (1 - m) A)/m: where the open part must end for the whole mean to reach K."""
    return np.asarray((strike - (1 - share) * average) / share)


def open_share(chain: OptionChain, at_ms: int) -> FloatArray:
    """M of each row at an instant: 1 until 07:30:00 UTC of its expiry day, 0 from 08:00:00."""
    return np.asarray(np.clip((chain.expiry_ms - at_ms) / (WINDOW_S * 1000), 0.0, 1.0))


def is_averaging(chain: OptionChain) -> BoolArray:
    """Rows whose settlement average has begun: 07:30:00 UTC of their expiry day to 08:00:00."""
    left_ms = chain.expiry_ms - chain.as_of_ms
    return np.asarray((left_ms > 0) & (left_ms <= WINDOW_S * 1000))


def averaged_options(chain: OptionChain, rows: BoolArray) -> AveragedOptions:
    """The averaging `rows` of a chain, their variance implied from their marks.

    Inside the window the forward U of a chain is the expected delivery m F + (1 - m) A. With the
    samples' mean A known, F = U + (1 - m)(S - A), which is U at 07:30 and the index S at the
    end; without it, F = S and the fixed part is what U says. The value that mark_iv stands for,
    plain Black-76 on U and the time to 08:00:00, fixes v, so that nothing jumps at 07:30.
    """
    U, K = chain.forward[rows], chain.strike[rows]
    years, iv = chain.years_to_expiry[rows], chain.mark_iv[rows]
    with np.errstate(all="ignore"):
        share = years / _WINDOW_YEARS
        spot = chain.index_price if np.isfinite(chain.index_price) else U
        average = chain.settlement_average[rows]
        known = np.isfinite(average)
        F = np.where(known, U + (1 - share) * (spot - average), spot)
        fixed = np.where(known, (1 - share) * average, U - share * spot)
        strike = (K - fixed) / share
        plain_sd = iv * np.sqrt(years)
        value = compute_greeks(U, K, years, iv, K > U).price / share
        sd = plain_sd / share  # the normal model's answer, where the exact one does not exist
        solvable = (value > 1e-12 * F) & (value < np.minimum(F, strike)) & (plain_sd > MIN_SD)
        rows_to_solve = np.flatnonzero(solvable)
        sd[rows_to_solve] = implied_sd(
            value[rows_to_solve], F[rows_to_solve], strike[rows_to_solve]
        )
    return AveragedOptions(share, F, strike, sd, iv, years, chain.is_call[rows])


def compute_averaged_greeks(options: AveragedOptions) -> Greeks:
    """Price and Greeks of options whose settlement average is running, per coin.

    With B = Black-76 at F, K', v: price m B, delta m N(d1), gamma m n(d1)/(F v), and so on in
    every derivative by price and volatility. By calendar time, with A collecting the index:
    d(d1)/dt = (F/K' - 1)/(t v) + d2/(2 t); theta = -m F [N(d1) - N(d2) + n(d1) v/2]/t;
    charm = m n(d1) d(d1)/dt - cp N(cp d1)/W; color = -gamma [1/(2 t) + d1 d(d1)/dt];
    veta = -vega [3/(2 t) + d1 d(d1)/dt]. Price, delta, gamma and vega are continuous at 07:30;
    theta, charm, color and veta are not, because from then on each sample fixes a part. With
    K' <= 0 the call is m (F - K') with delta m, the put is nothing.
    """
    m, F, v, s, t = options.share, options.forward, options.sd, options.iv, options.years
    is_call = options.is_call
    with np.errstate(all="ignore"):
        open_strike = options.strike > 0
        K = np.where(open_strike, options.strike, F)
        black = compute_greeks(F, K, (v / s) ** 2, s, is_call)
        d1 = np.log(F / K) / v + v / 2
        d1_by_time = (F / K - 1) / (t * v) + (d1 - v) / (2 * t)
        density = m * black.gamma * F * v  # m n(d1)
        fading = black.delta / _WINDOW_YEARS  # cp N(cp d1)/W
        certain = np.where(is_call, 1.0, 0.0)
        columns = {
            "price": np.where(open_strike, m * black.price, certain * m * (F - options.strike)),
            "delta": np.where(open_strike, m * black.delta, certain * m),
            "rho": np.where(open_strike, m * black.rho * t * (s / v) ** 2, 0.0),
            "vega": m * black.vega,
            "gamma": m * black.gamma,
            "speed": m * black.speed,
            "volga": m * black.volga,
            "zomma": m * black.zomma,
            "vanna": m * black.vanna,
            "veta": -m * black.vega * (1.5 / t + d1 * d1_by_time),
            "color": -m * black.gamma * (0.5 / t + d1 * d1_by_time),
            "charm": np.where(open_strike, density * d1_by_time - fading, -certain / _WINDOW_YEARS),
            "theta": -m * F * (ndtr(d1) - ndtr(d1 - v) + density / m * v / 2) / t,
            "ultima": m * black.ultima,
        }
        certain_rows = ~open_strike
        for name, column in columns.items():
            if name not in {"price", "delta", "rho", "charm"}:
                column[certain_rows] = 0.0
    return Greeks(**columns)


def averaging_charm_at(options: AveragedOptions, moves: FloatArray) -> FloatArray:
    """The part of charm that the running average adds, after each log-move: (n, L) coins per day.

    m n(d1) (F'/K' - 1)/(t v) - cp N(cp d1)/W per coin of option: the drift of K' and the share
    that each sample fixes. What remains of charm is the plain m n(d1) d2/(2 t).
    """
    m, v, t, strike = (
        column[:, None] for column in (options.share, options.sd, options.years, options.strike)
    )
    with np.errstate(all="ignore"):
        ratio = options.forward[:, None] * np.exp(moves) / strike
        d1 = np.log(ratio) / v + v / 2
        density = INV_SQRT_2PI * np.exp(-0.5 * d1 * d1)
        call_delta = np.where(strike > 0, ndtr(d1), 1.0)
        drift = np.where(strike > 0, m * density * (ratio - 1) / (t * v), 0.0)
        put = ~options.is_call[:, None]
        per_year = drift - (call_delta - put) / _WINDOW_YEARS
    return np.asarray(per_year / DAYS_PER_YEAR)
