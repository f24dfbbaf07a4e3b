"""Two plain SVG charts. Their colours are readable on white and on black pages."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_LEFT: Final = 230
_BAR: Final = 16
_COLOURS: Final = {"floor": "#5b8f3a", "ours": "#2f6fb5", "reference": "#c0622a"}
_TEXT: Final = 'font-family="sans-serif" font-size="12" fill="#777"'


def bar_chart(title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Horizontal bars: for each group one bar for each server, with its number."""
    longest = max(value for bars in groups.values() for value in bars.values())
    scale = (_WIDTH - _LEFT - 80) / longest
    parts, y = [_text(10, 20, f"{title} ({unit})")], 34
    for name, bars in groups.items():
        parts.append(_text(10, y + 13, name))
        for server, value in bars.items():
            length = max(1.0, value * scale)
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 3}" '
                f'fill="{_COLOURS[server]}"/>'
            )
            parts.append(_text(_LEFT + length + 6, y + 11, f"{value:g} {server}"))
            y += _BAR
        y += 10
    return _svg(y, parts)


def line_chart(title: str, lines: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Lines over sizes, both axes logarithmic. The name of a line ends in its server."""
    sizes = [math.log10(size) for points in lines.values() for size, _ in points]
    values = [math.log10(value) for points in lines.values() for _, value in points]
    low, high = math.floor(min(values)), math.ceil(max(values))
    left, top, width, height = 60, 34, 420, 240
    span = max(sizes) - min(sizes) or 1.0

    def place(size: float, value: float) -> tuple[float, float]:
        x = left + (size - min(sizes)) / span * width
        return x, top + height - (value - low) / (high - low) * height

    parts = [_text(10, 20, title)]
    for power in range(low, high + 1):
        _, y = place(sizes[0], power)
        parts.append(f'<path d="M{left} {y:.1f}h{width}" stroke="#9994"/>')
        parts.append(_text(10, y + 4, f"{10.0**power:g}"))
    for size in sorted(set(sizes)):
        x, _ = place(size, low)
        parts.append(_text(x - 14, top + height + 18, f"{round(10**size):,}"))
    for name, points in lines.items():
        colour = _COLOURS[name.rpartition(" ")[2]]
        placed = [place(math.log10(size), math.log10(value)) for size, value in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = placed[-1]
        parts.append(_text(x + 8, y + 4, name))
    return _svg(top + height + 30, parts)


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" {_TEXT}>{escape(text)}</text>'


def _svg(height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {_WIDTH} {height:.0f}">\n{body}\n</svg>\n'
    )
