"""Black-76 on a forward, undiscounted (r = 0): price and Greeks to third order, per coin.

All formulas take arrays that broadcast: forward F and strike K in USD, time T in years of
365 days, volatility s as a fraction. With v = s sqrt(T): d1 = ln(F/K)/v + v/2, d2 = d1 - v;
N and n are the normal distribution and density. An inverse option's coin price is price / F;
its Greeks are the same as a linear option's because the hedge of gamma is the same
(Alexander, Chen, Imeraj 2023, "Crypto quanto and inverse options").

Limits: T <= 0 or v < 1e-8 gives the intrinsic value with all higher Greeks zero. Anything not
finite, or a forward, strike or volatility that is not positive, gives NaN in that row only.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from greeks.conventions import BoolArray, FloatArray

MIN_SD = 1e-8
INV_SQRT_2PI = 0.3989422804014327


@dataclass(frozen=True, slots=True)
class Greeks:
    """Price and Greeks of one coin of option, in the raw units of the formulas.

    Attributes
    ----------
    price : USD.
    delta : coins; forward delta, not premium-adjusted.
    gamma : coins per USD.
    vega : USD per 1.00 of volatility.
    theta : USD per year of calendar time (negative for a holder).
    rho : USD per 1.00 of rate, of the discounted option at r = 0 with the spot held.
    vanna : coins per 1.00 of volatility.
    charm : coins per year.
    volga : USD per 1.00 of volatility squared.
    veta : USD per 1.00 of volatility, per year.
    speed : coins per USD squared.
    zomma : coins per USD, per 1.00 of volatility.
    color : coins per USD, per year.
    ultima : USD per 1.00 of volatility cubed.
    """

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray
    rho: FloatArray
    vanna: FloatArray
    charm: FloatArray
    volga: FloatArray
    veta: FloatArray
    speed: FloatArray
    zomma: FloatArray
    color: FloatArray
    ultima: FloatArray


def compute_delta(
    forward: FloatArray, strike: FloatArray, years: FloatArray, iv: FloatArray, is_call: BoolArray
) -> FloatArray:
    """Forward delta cp N(cp d1) in coins; at or after expiry 1 or 0 in the money, 1/2 at it."""
    with np.errstate(all="ignore"):
        sd = iv * np.sqrt(np.maximum(years, 0.0))
        live = sd >= MIN_SD
        x = np.log(forward / strike)
        d1 = np.where(live, x / np.where(live, sd, 1.0) + sd / 2, np.sign(x) * np.inf)
        d1 = np.where(~live & (x == 0), 0.0, d1)
        delta = np.where(is_call, ndtr(d1), -ndtr(-d1))
    return np.where(_is_valid(forward, strike, years, iv), delta, np.nan)


def compute_greeks(
    forward: FloatArray, strike: FloatArray, years: FloatArray, iv: FloatArray, is_call: BoolArray
) -> Greeks:
    """Price and all Greeks of each row.

    The sources are the closed forms of Black (1976) and their derivatives; theta and charm and
    color and veta differentiate with respect to calendar time (time up, T down).
    """
    with np.errstate(all="ignore"):
        valid = _is_valid(forward, strike, years, iv)
        root_t = np.sqrt(np.maximum(years, 0.0))
        sd = iv * root_t
        live = valid & (sd >= MIN_SD)
        T = np.where(live, years, 1.0)
        s = np.where(live, iv, 1.0)
        v = np.where(live, sd, 1.0)
        d1 = np.log(forward / strike) / v + v / 2
        d2 = d1 - v
        density = INV_SQRT_2PI * np.exp(-d1 * d1 / 2)
        cp = np.where(is_call, 1.0, -1.0)

        intrinsic = np.maximum(cp * (forward - strike), 0.0)
        price = cp * (forward * ndtr(cp * d1) - strike * ndtr(cp * d2))
        gamma = density / (forward * v)
        vega = forward * density * np.sqrt(T)
        volga = vega * d1 * d2 / s

        def mask(value: FloatArray) -> FloatArray:
            return np.where(live, value, np.where(valid, 0.0, np.nan))

        return Greeks(
            price=np.where(live, price, np.where(valid, intrinsic, np.nan)),
            delta=compute_delta(forward, strike, years, iv, is_call),
            gamma=mask(gamma),
            vega=mask(vega),
            theta=mask(-forward * density * s / (2 * np.sqrt(T))),
            rho=mask(cp * strike * T * ndtr(cp * d2)),
            vanna=mask(-density * d2 / s),
            charm=mask(density * d2 / (2 * T)),
            volga=mask(volga),
            veta=mask(-vega * (1 + d1 * d2) / (2 * T)),
            speed=mask(-gamma / forward * (d1 / v + 1)),
            zomma=mask(gamma * (d1 * d2 - 1) / s),
            color=mask(gamma * (1 - d1 * d2) / (2 * T)),
            ultima=mask(-vega / (s * s) * (d1 * d2 * (1 - d1 * d2) + d1 * d1 + d2 * d2)),
        )


def _is_valid(
    forward: FloatArray, strike: FloatArray, years: FloatArray, iv: FloatArray
) -> BoolArray:
    finite = np.isfinite(forward) & np.isfinite(strike) & np.isfinite(years) & np.isfinite(iv)
    return np.asarray(finite & (forward > 0) & (strike > 0) & (iv > 0))
