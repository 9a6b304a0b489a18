"""Draws the pictures of the documentation: the curve of a plan, and the report of the seeds as a browser shows it.

.venv/bin/python tools/draw_pictures.py docs/images

The curve is SVG and the same each time; `tests/test_reference.py` holds the committed file to it. The report needs
playwright and Chromium; its pixels depend on the fonts of the machine.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import dedup

#: Sides of the drawing area, and where it begins.
WIDTH, HEIGHT, LEFT, TOP = 560, 280, 60, 30
#: Threshold -> colour of its curve; both are told apart on white in print too.
CURVES = {0.5: "#1f5fbf", 0.8: "#b3541e"}
#: Steps of a curve: one for each pixel or so.
STEPS = 200

#: What a browser shows of the report: its first cluster, opened, down to the first sentences.
VIEW_WIDTH, VIEW_HEIGHT = 1160, 1000


def s_curve() -> str:
    """Return the probability of a pair to become a candidate, by its similarity, for two thresholds, as SVG."""
    shapes = [f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>']
    bottom, middle = TOP + HEIGHT, TOP + HEIGHT / 2
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        shapes.append(_text(_x(share), bottom + 18, f"{share:g}", 'text-anchor="middle"'))
        shapes.append(_text(LEFT - 8, _y(share) + 4, f"{share:g}", 'text-anchor="end"'))
    for threshold, colour in CURVES.items():
        plan = dedup.plan(threshold)
        points = " ".join(f"{_x(i / STEPS):.1f},{_y(plan.probability(i / STEPS)):.1f}" for i in range(STEPS + 1))
        x, y = _x(threshold), _y(plan.recall)
        shapes += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<line x1="{x:g}" y1="{y:.1f}" x2="{x:g}" y2="{bottom}" stroke="{colour}" stroke-dasharray="4"/>',
            f'<circle cx="{x:g}" cy="{y:.1f}" r="4" fill="{colour}"/>',
            _text(x + 8, middle + 40, f"threshold {threshold}:", f'fill="{colour}"'),
            _text(x + 8, middle + 56, f"{plan.bands} bands of {plan.rows}", f'fill="{colour}"'),
        ]
    turned = f'text-anchor="middle" transform="rotate(-90 16 {middle:g})"'
    shapes += [
        _text(LEFT + WIDTH / 2, bottom + 40, "Jaccard similarity of a pair", 'text-anchor="middle"'),
        _text(16, middle, "probability to be a candidate", turned),
    ]
    size = f'viewBox="0 0 {LEFT + WIDTH + 20} {bottom + 50}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" fill="#222">',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *shapes,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, words: str, attributes: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {attributes}>{words}</text>'


def _x(share: float) -> float:
    return LEFT + WIDTH * share


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def take_report(picture: Path) -> None:
    """Write what a browser shows of the report of the seeds."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only here

    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        report = Path(folder, "report.html")
        dedup.deduplicate(Path(__file__).parents[1] / "seeds").report(report)
        browser = driver.chromium.launch(executable_path=browser_path)
        page = browser.new_page(viewport={"width": VIEW_WIDTH, "height": VIEW_HEIGHT}, color_scheme="light")
        page.goto(report.as_uri())
        page.locator("#cluster-list .row").first.click()
        page.wait_for_selector("#open-cluster .beside")
        page.evaluate("document.getElementById('clusters').scrollIntoView()")
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    images = Path(sys.argv[1])
    images.mkdir(exist_ok=True)
    (images / "s-curve.svg").write_text(s_curve(), encoding="utf-8")
    take_report(images / "report.png")
