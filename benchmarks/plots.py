"""Charts as SVG, written by hand: a bar a label, a curve a policy. Nothing to install, small enough for a README."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.figures import Chart, Curves, Report, short

WIDTH, LABEL, ROW, TOP = 720, 230, 26, 44
INK, BAR, FLOOR, GRID = "#24292f", "#3b6fb6", "#8aa37b", "#d0d7de"
COLOURS = ("#24292f", "#3b6fb6", "#b6553b", "#8aa37b", "#8a63b6", "#b69b3b", "#5f6b76")
LEFT, RIGHT, BOTTOM, HEIGHT = 56, 200, 44, 380
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'


def write(reports: Sequence[Report], folder: Path) -> None:
    """One file a chart, named by its case."""
    folder.mkdir(parents=True, exist_ok=True)
    for report in reports:
        for number, chart in enumerate(report.charts, start=1):
            name = report.case if len(report.charts) == 1 else f"{report.case}-{number}"
            drawn = bars(chart) if isinstance(chart, Chart) else curves(chart)
            (folder / f"{name}.svg").write_text(drawn, "utf-8")


def bars(chart: Chart) -> str:
    """Horizontal bars from zero, the longest one as wide as the paper."""
    longest = max(chart.values.values()) or 1.0
    height = TOP + ROW * len(chart.values) + 12
    parts = [_text(12, 24, f"{chart.title} ({chart.unit})", weight="600")]
    for number, (label, value) in enumerate(chart.values.items()):
        y = TOP + ROW * number
        width = (WIDTH - LABEL - 90) * value / longest
        colour = FLOOR if label == chart.floor else BAR
        parts.append(_text(LABEL - 8, y + 15, label, anchor="end"))
        parts.append(f'<rect x="{LABEL}" y="{y + 2}" width="{max(width, 1):.1f}" height="{ROW - 8}" fill="{colour}"/>')
        parts.append(_text(LABEL + width + 6, y + 15, short(value)))
    return _paper(height, parts)


def curves(chart: Curves) -> str:
    """Points joined to lines; both axes begin at zero."""
    points = [point for line in chart.lines.values() for point in line]
    most_x, most_y = chart.most_x or max(x for x, _ in points), chart.most_y or max(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * min(x / most_x, 1)
        return across, HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(y / most_y, 1)

    parts = [_text(12, 24, chart.title, weight="600")]
    for part in (0, 0.25, 0.5, 0.75, 1):
        (x, y), (x_end, _) = place(0, most_y * part), place(most_x, 0)
        parts.append(f'<line x1="{x}" y1="{y:.1f}" x2="{x_end}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(_text(x - 6, y + 4, short(most_y * part), anchor="end"))
        x, y = place(most_x * part, 0)
        parts.append(_text(x, y + 18, short(most_x * part), anchor="middle"))
    for number, (label, line) in enumerate(chart.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        spots = [place(x, y) for x, y in line if x <= most_x and y <= most_y]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots if len(spots) < 12]
        parts.append(_text(WIDTH - RIGHT + 12, TOP + 8 + 20 * number, label, colour=colour))
    parts.append(
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, f"{chart.across}; upwards: {chart.upwards}", anchor="middle")
    )
    return _paper(HEIGHT, parts)


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400", colour: str = INK) -> str:
    how = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}" {_FONT}'
    return f"<text {how}>{escape(text)}</text>"


def _paper(height: float, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    inside = "\n".join(parts)
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{ground}\n{inside}\n</svg>\n'
