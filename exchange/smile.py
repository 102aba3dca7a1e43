"""The synthetic volatility surface. Pure functions of forward, strike, time and level.

A slice is the SSVI of Gatheral & Jacquier 2014 with the power-law function at exponent 1/2:
w(k) = theta/2 (1 + rho f k + sqrt((f k + rho)^2 + 1 - rho^2)), f = eta/sqrt(theta), which has
no butterfly arbitrage for eta^2 (1 + |rho|) <= 4.
"""

import numpy as np

from greeks.conventions import FloatArray

ETA = 1.15
SHORT_RHO, LONG_RHO = -0.08, -0.28
MIN_YEARS = 0.5 / 365.0
"""Below half a day the smile keeps its shape in standard deviations of half a day."""


def atm_vol(level: float, years: FloatArray) -> FloatArray:
    """Return the at-the-money term structure around its 30-day level: a short hump, a long rise."""
    short = 0.08 * np.exp(-years * 365.0 / 2.5)
    rise = 0.06 * (1.0 - np.exp(-years * 1.5))
    return np.asarray(level * (0.97 + short + rise))


def smile_iv(log_moneyness: FloatArray, years: FloatArray, level: float) -> FloatArray:
    """Return implied volatility as a fraction for k = ln(K/F)."""
    T = np.maximum(years, MIN_YEARS)
    theta = atm_vol(level, T) ** 2 * T
    rho = LONG_RHO + (SHORT_RHO - LONG_RHO) * np.exp(-T * 4.0)
    fk = ETA / np.sqrt(theta) * log_moneyness
    w = theta / 2.0 * (1.0 + rho * fk + np.sqrt((fk + rho) ** 2 + 1.0 - rho**2))
    return np.clip(np.sqrt(w / T), 0.05, 2.5)
