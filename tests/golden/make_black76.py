"""Write black76.csv: prices and Greeks of a hard grid, every Greek differentiated from the price.

Run `python -m tests.golden.make_black76`. Seeded; 80-digit arithmetic, 20 digits kept. Only the
price formula is written down here, so that no closed form can confirm itself.
"""

import csv
import random
from collections.abc import Callable
from pathlib import Path

from mpmath import mp, mpf

PATH = Path(__file__).with_name("black76.csv")
ROWS = 360
INPUTS = ["forward", "strike", "years", "iv", "kind"]
# order of differentiation by forward, time to expiry, volatility; calendar time runs backwards
ORDERS = {
    "price": (0, 0, 0),
    "delta": (1, 0, 0),
    "gamma": (2, 0, 0),
    "vega": (0, 0, 1),
    "theta": (0, 1, 0),
    "vanna": (1, 0, 1),
    "charm": (1, 1, 0),
    "volga": (0, 0, 2),
    "veta": (0, 1, 1),
    "speed": (3, 0, 0),
    "zomma": (2, 0, 1),
    "color": (2, 1, 0),
    "ultima": (0, 0, 3),
}


def price_of(strike: mpf, kind: str) -> Callable[..., mpf]:
    """Undiscounted Black-76 value as a function of forward, years and volatility."""
    cp = 1 if kind == "C" else -1

    def price(forward: mpf, years: mpf, iv: mpf) -> mpf:
        v = iv * mp.sqrt(years)
        d1 = mp.log(forward / strike) / v + v / 2
        return cp * (forward * mp.ncdf(cp * d1) - strike * mp.ncdf(cp * (d1 - v)))

    return price


def rho_of(forward: mpf, strike: mpf, years: mpf, iv: mpf, kind: str) -> mpf:
    """Derivative by the rate, spot held: the forward grows with it and the value is discounted."""
    price = price_of(strike, kind)
    return mp.diff(lambda r: mp.exp(-r * years) * price(forward * mp.exp(r * years), years, iv), 0)


def draw(rng: random.Random) -> tuple[float, float, float, float, str]:
    """Deep wings to at the money, a minute to two years, 1 % to 500 % volatility."""
    minute = 1 / (365 * 24 * 60)
    years = rng.choice([1, 5, 30, 360, 1440, 10_080, 43_200, 259_200, 1_051_200]) * minute
    iv = rng.choice([0.01, 0.1, 0.35, 0.5, 0.8, 1.5, 5.0])
    forward = rng.choice([1e5, 98_765.43, 3_021.5, 0.5])
    z = rng.choice([0.0, *(rng.uniform(-1, 1) * reach for reach in (0.1, 1, 3, 5, 7.5))])
    strike = float(f"{forward * float(mp.exp(z * iv * years**0.5)):.9g}")
    return forward, strike, years, iv, rng.choice("CP")


def main() -> None:
    mp.dps = 80
    rng = random.Random(76)
    with PATH.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*INPUTS, *ORDERS, "rho"])
        for _ in range(ROWS):
            *numbers, kind = draw(rng)
            forward, strike, years, iv = map(mpf, numbers)
            price = price_of(strike, kind)
            values = [
                mp.diff(price, (forward, years, iv), order) * (-1) ** order[1]
                for order in ORDERS.values()
            ]
            values.append(rho_of(forward, strike, years, iv, kind))
            digits = [mp.nstr(value, 20, min_fixed=0, max_fixed=0) for value in values]
            writer.writerow([*map(repr, numbers), kind, *digits])


if __name__ == "__main__":
    main()
