"""The plots of the quality report, as SVG files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure


#: Documents a second, from the slowest tool to beyond the fastest.
_SPEEDS = (30, 30_000)


def draw(results: Mapping[str, Any], stem: Path) -> dict[str, Path]:
    """Draw what there is to draw beside the report; return title -> file, nothing without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return {}
    mpl.use("Agg")
    # Words stay words, so that the files are small and can be searched.
    mpl.rcParams["svg.fonttype"] = "none"
    figures = {
        "Quality beside speed and memory": ("speed", _speed(results["contests"])),
        "Recall by operator": ("operators", _operators(results["contests"])),
    }
    drawn = {}
    for title, (name, figure) in figures.items():
        if figure is not None:
            drawn[title] = stem.with_name(f"{stem.name}-{name}.svg")
            figure.savefig(drawn[title], bbox_inches="tight")
    return drawn


def _speed(contests: Mapping[str, Any]) -> Figure | None:
    """F1 over documents a second, one panel for each set whose documents are all labelled."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    scored = {
        name: {tool: entry for tool, entry in contest["tools"].items() if entry.get("stories")}
        for name, contest in contests.items()
    }
    scored = {name: tools for name, tools in scored.items() if tools}
    if not scored:
        return None
    figure = Figure(figsize=(6 * len(scored), 5))
    for place, (name, tools) in enumerate(scored.items(), 1):
        axes = figure.add_subplot(1, len(scored), place)
        for tool, entry in tools.items():
            value, low, high = entry["stories"]["f1"]
            ours = tool.startswith("dedup")
            speed, megabytes = entry["documents_per_s"], (entry["peak_bytes"] or 0) / 1e6
            axes.errorbar(speed, value, [[value - low], [high - value]], color="0.7", zorder=1)
            axes.scatter(speed, value, 20 + megabytes, marker="o" if ours else "s", alpha=0.7, zorder=2)
            # Ours are the fastest: their names have room on the left alone.
            axes.annotate(
                tool,
                (speed, value),
                xytext=(-6, -9 if tool != "dedup" else 5) if ours else (4, 5),
                ha="right" if ours else "left",
                textcoords="offset points",
                fontsize=7,
            )
        axes.set_xscale("log")
        axes.set_xlim(*_SPEEDS)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(0, 1.05)
        axes.set_xlabel("documents a second (area: peak memory)")
        axes.set_ylabel("pair F1")
        axes.set_title(name)
    return figure


def _operators(contests: Mapping[str, Any]) -> Figure | None:
    """Recall of the pairs of each operator by each tool, as a table of shades with numbers."""
    from matplotlib.figure import Figure

    contest = next((contest for name, contest in contests.items() if "each" in name), None)
    tools = {tool: entry for tool, entry in (contest or {"tools": {}})["tools"].items() if entry.get("edits")}
    if not tools:
        return None
    shares = {
        tool: {share["name"]: share["share"][0] for share in entry["edits"] if share["linked"]}
        for tool, entry in tools.items()
    }
    operators = list(next(iter(shares.values())))
    values = [[of[operator] for operator in operators] for of in shares.values()]
    figure = Figure(figsize=(0.6 * len(operators) + 2, 0.35 * len(tools) + 2))
    axes = figure.add_subplot()
    axes.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(operators)), operators, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(tools)), list(tools), fontsize=8)
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            shade = "black" if value > 0.6 else "white"
            axes.text(x, y, f"{int(100 * value)}", ha="center", va="center", fontsize=7, color=shade)
    axes.set_title("Percent of the reprints by one operator alone that join their original")
    return figure
