"""Each panel as a drawing on one pair of axes. Unknown is hatched, never zero."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MultipleLocator

from app.board import expiry_label, hedge_flow_now
from app.pictures.formats import Panel
from app.pictures.numbers import coins, hour, level, money, percent
from app.pictures.subject import Look, Subject
from dealers.hedging import MOVES_PCT
from greeks.conventions import Exposure, FloatArray

TIME_STEPS_MS = tuple(minutes * 60_000 for minutes in (1, 5, 15, 30, 60, 180, 360))
Draw = Callable[[Axes, Subject, Look], None]


def draw_gex(axes: Axes, subject: Subject, look: Look) -> None:
    """Calls and puts from zero at each strike, their net as a mark."""
    table = subject.snapshot.by_strike
    seen = np.flatnonzero(subject.seen(table.strike_usd))
    strikes = table.strike_usd[seen]
    calls, puts = table.call_gex_usd_per_1pct[seen], table.put_gex_usd_per_1pct[seen]
    net = table.exposures.column(Exposure.GEX)[seen]
    width = _bar_widths(strikes, subject)
    same_sign = calls * puts > 0
    for values, base, shade in (
        (calls, 0.0, ""),
        (puts, np.where(same_sign, calls, 0.0), "-shade"),
    ):
        colour = [
            look[("negative" if value < 0 else "positive") + (shade if stacked else "")]
            for value, stacked in zip(values, same_sign, strict=True)
        ]
        axes.bar(strikes, values, width, base, color=colour, linewidth=0)
    axes.plot(strikes, net, linestyle="", marker="_", markersize=8, color=look["text"])
    for row in np.flatnonzero(~np.isfinite(net)):
        half = width[row] / 2
        _hatch(axes.axvspan(strikes[row] - half, strikes[row] + half), look)
    _money_axis(axes)
    _strike_axis(axes, subject, look)


def draw_profile(axes: Axes, subject: Subject, look: Look) -> None:
    """Net GEX at each hypothetical spot."""
    profile = subject.snapshot.profile
    seen = subject.seen(profile.spot_usd)
    spots, net = profile.spot_usd[seen], profile.gex_usd_per_1pct[seen]
    for sign, clip in (("positive", np.maximum), ("negative", np.minimum)):
        axes.fill_between(spots, clip(net, 0.0), color=look[sign], alpha=0.26, linewidth=0)
    axes.plot(spots, net, color=look["text"], linewidth=2)
    here = subject.snapshot.net_of(Exposure.GEX)
    axes.plot([subject.spot_usd], [here], "o", color=look["spot"], markersize=7, zorder=5)
    _money_axis(axes)
    _strike_axis(axes, subject, look)


def draw_matrix(axes: Axes, subject: Subject, look: Look) -> None:
    """Net GEX by expiry, nearest on top, and strike."""
    snapshot = subject.snapshot
    seen = np.flatnonzero(subject.seen(snapshot.by_strike.strike_usd))
    strikes = snapshot.by_strike.strike_usd[seen]
    values = snapshot.matrix(Exposure.GEX)[:, seen]
    labels = [expiry_label(int(expiry)) for expiry in snapshot.by_expiry.expiry_ms]
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    cap = float(np.quantile(sizes, 0.99)) if len(sizes) else 1.0
    # sign times root of size, so that a heavy tail leaves the rest visible
    shade = np.sign(values) * np.sqrt(np.minimum(np.abs(values) / cap, 1.0))
    scale = LinearSegmentedColormap.from_list(
        "signs", [look["negative"], look["zero"], look["positive"]]
    )
    axes.patch.set(facecolor=look["panel"], edgecolor=look["border"], hatch="////")
    if len(strikes) and labels:
        axes.pcolormesh(
            _edges(strikes), np.arange(len(labels) + 1), shade, cmap=scale, vmin=-1, vmax=1
        )
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.set_ylim(max(len(labels), 1), 0)
    flips = snapshot.by_expiry.flip_usd
    rows = np.flatnonzero(subject.seen(np.nan_to_num(flips)))
    axes.plot(flips[rows], rows + 0.5, "|", color=look["flip"], markersize=12, markeredgewidth=2)
    axes.grid(visible=False)
    _strike_axis(axes, subject, look)


def draw_expiries(axes: Axes, subject: Subject, look: Look) -> None:
    """Net GEX of each expiry, nearest on top, with its at-the-money volatility."""
    table = subject.snapshot.by_expiry
    gex = table.exposures.column(Exposure.GEX)
    labels = [
        f"{expiry_label(int(expiry))}   {percent(iv, 0).removeprefix('+')}"
        for expiry, iv in zip(table.expiry_ms, table.atm_iv.tolist(), strict=True)
    ]
    _bars(axes, gex, labels, look)
    axes.set_ylim(max(len(gex), 1) - 0.5, -0.5)
    _write_values(axes, gex, [money(value) for value in gex], look)


def draw_ladder(axes: Axes, subject: Subject, look: Look) -> None:
    """What dealers trade on sudden moves, re-hedged exactly; high prices on top."""
    flow = hedge_flow_now(subject.snapshot, np.array(MOVES_PCT), subject.state.tape.beta.used)
    usd = flow.flow_coin * subject.spot_usd
    labels = [
        f"{percent(move / 100)}   {level(spot)}" if move else f"spot   {level(spot)}"
        for move, spot in zip(flow.move_pct.tolist(), flow.spot_usd.tolist(), strict=True)
    ]
    _bars(axes, usd, labels, look)
    words = [
        _trade_words(value, coin) if move else ""
        for move, value, coin in zip(
            flow.move_pct.tolist(), usd.tolist(), flow.flow_coin.tolist(), strict=True
        )
    ]
    _write_values(axes, usd, words, look)


def _bars(axes: Axes, values: FloatArray, labels: list[str], look: Look) -> None:
    """A bar a row from zero in the colour of its sign; what is unknown is hatched."""
    rows, is_known = np.arange(len(values)), np.isfinite(values)
    axes.barh(rows, values, 0.66, color=[look.of_sign(value) for value in values], linewidth=0)
    for row in rows[~is_known]:
        _hatch(axes.axhspan(row - 0.33, row + 0.33), look)
    axes.set_yticks(rows, labels)
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=look["faint"], linewidth=1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: money(value)))
    if not is_known.any():
        axes.set_xticks([])  # there is nothing to have a scale


def _trade_words(usd: float, coin: float) -> str:
    side = "buy" if coin > 0 else "sell"
    return f"{side} {money(abs(usd)).removeprefix('+')}   {coins(abs(coin))} coins"


def draw_history(axes: Axes, subject: Subject, look: Look) -> None:
    """The flip against the index."""
    times = np.array(subject.history["timestamp"], dtype=np.float64)
    for name, colour, style in (("flip_usd", "flip", ":"), ("spot_usd", "spot", "-")):
        values = np.array(subject.history[name], dtype=np.float64)
        axes.plot(times, values, style, color=look[colour], linewidth=2)
        known = np.flatnonzero(np.isfinite(values))
        if len(known):
            last = known[-1]
            axes.annotate(
                f" {name.removesuffix('_usd').replace('spot', 'index')} {level(values[last])}",
                (float(times[last]), float(values[last])),
                color=look[colour],
                va="center",
                annotation_clip=False,
            )
    if len(times):
        # a single instant has no width of its own, and a made-up one would be cut into minutes
        span = max(float(times[-1] - times[0]), float(TIME_STEPS_MS[0]))
        step = next((step for step in TIME_STEPS_MS if span / step < 9), span / 8)
        axes.set_xlim(times[0] - 0.02 * span, times[0] + 1.02 * span)
        axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: hour(int(value))))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: level(value)))


DRAWINGS: Mapping[Panel, tuple[str, str, Draw]] = MappingProxyType(
    {
        Panel.GEX: ("GEX by strike", "$ per 1 %; bars: calls and puts, mark: net", draw_gex),
        Panel.PROFILE: ("Gamma profile", "net GEX re-priced, $ per 1 %", draw_profile),
        Panel.MATRIX: ("GEX by strike and expiry", "hatched: nothing listed", draw_matrix),
        Panel.EXPIRIES: ("GEX by expiry", "$ per 1 %, with ATM IV", draw_expiries),
        Panel.LADDER: ("Hedge-flow ladder", "$ that dealers trade on a sudden move", draw_ladder),
        Panel.HISTORY: ("Flip and index", "USD, the last day", draw_history),
    }
)
"""Title, unit and drawing of each panel."""


def _hatch(patch: Rectangle, look: Look) -> None:
    """Make an area say that its number is unknown."""
    patch.set(facecolor="none", edgecolor=look["faint"], hatch="////", linewidth=0)


def _bar_widths(strikes: FloatArray, subject: Subject) -> FloatArray:
    """As wide as the gap to the next strike allows, so that sparse strikes are not hairlines."""
    low, high = subject.window()
    gaps = np.diff(strikes, prepend=-np.inf, append=np.inf)
    nearest = np.minimum(gaps[:-1], gaps[1:])
    finest = float(np.min(nearest, initial=(high - low) / 12))
    return np.asarray(0.78 * np.minimum(nearest, 2 * finest))


def _edges(centres: FloatArray) -> FloatArray:
    """Half-way points between neighbours, the outermost cells symmetric."""
    if len(centres) == 1:
        return np.asarray(centres[0] * np.array([0.99, 1.01]))
    middle = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - middle[0], 2 * centres[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def _money_axis(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money(value)))
    axes.axhline(0, color=axes.spines["bottom"].get_edgecolor(), linewidth=1)


def _strike_axis(axes: Axes, subject: Subject, look: Look) -> None:
    """Range, labels, and lines at spot, flips and walls."""
    levels = subject.snapshot.levels
    low, high = subject.window()
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: level(value)))
    marks: list[tuple[str, float | None, str, str]] = [
        ("spot", subject.spot_usd, "spot", "-"),
        *(("flip", flip.spot_usd, "flip", ":") for flip in levels.flips),
        ("call wall", levels.call_wall_usd, "positive", "--"),
        ("put wall", levels.put_wall_usd, "negative", "--"),
    ]
    inside = [mark for mark in marks if mark[1] is not None and low <= mark[1] <= high]
    rows_end = [-np.inf, -np.inf, -np.inf]  # right end of the last label on each line above
    for word, at, colour, style in sorted(inside, key=lambda mark: mark[1] or 0.0):
        place = float(at or 0.0)
        axes.axvline(place, color=look[colour], linestyle=style, linewidth=1.5)
        half = (high - low) * 0.062
        row = next((i for i, end in enumerate(rows_end) if place - half > end), 0)
        rows_end[row] = place + half
        axes.annotate(
            f"{word} {level(place)}",
            (place, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 12 * row),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=look[colour],
        )


def _write_values(axes: Axes, values: FloatArray, words: list[str], look: Look) -> None:
    """Write beside each horizontal bar, on the side where it ends."""
    widest = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    axes.set_xlim(-1.45 * widest, 1.45 * widest)
    for row, (value, text) in enumerate(zip(values.tolist(), words, strict=True)):
        if np.isfinite(value):
            side = -1 if value < 0 else 1
            axes.annotate(
                text,
                (value, row),
                xytext=(5 * side, 0),
                textcoords="offset points",
                va="center",
                ha="left" if side > 0 else "right",
                fontsize=8.5,
                color=look["muted"],
            )
