"""The pictures of the demo clips: skies, hills, skylines and small drifting shapes.

Sizes are (width, height) in pixels, colours are `#rrggbb`. All chance comes from the `Random`
passed in, so a clip looks the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageColor, ImageDraw

Size = tuple[int, int]
Colour = str
Pen = ImageDraw.ImageDraw
Sprite = Callable[[Pen, int, Colour], None]
"""Draws one small shape in a square of the given side."""
Band = Callable[[Pen, Size, Colour, Random], None]
"""Draws hills, houses or water: fills the lower part of the size from edge to edge."""

_SMOOTHING = 2
"""Shapes are drawn this many times larger and scaled down: Pillow's own edges are jagged."""
_WINDOWS = ("#ffd27a", "#ffe9b0", "#3df5ff", "#ff7fb0")


def sky(size: Size, colours: Sequence[Colour]) -> Image.Image:
    """A vertical gradient."""
    strip = Image.new("RGB", (1, len(colours)))
    for row, colour in enumerate(colours):
        strip.putpixel((0, row), ImageColor.getrgb(colour))
    return strip.resize(size, Image.Resampling.BICUBIC)


def disc(canvas: Image.Image, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """Paint a sun or a moon with a halo."""
    pen = ImageDraw.Draw(canvas, "RGBA")
    for reach, opacity in ((2.4, "14"), (2.0, "20"), (1.6, "30"), (1.25, "48"), (1.0, "ff")):
        _circle(pen, centre, radius * reach, colour + opacity)


def stars(canvas: Image.Image, count: int, random: Random) -> None:
    pen = ImageDraw.Draw(canvas)
    for _ in range(count):
        place = (random.randrange(canvas.width), random.randrange(canvas.height))
        level = random.randrange(120, 256)
        _circle(pen, place, random.choice((0, 1, 1.6)), (level, level, 255))


def band(paint: Band, size: Size, colour: Colour, random: Random) -> Image.Image:
    return _smooth(size, lambda pen, area: paint(pen, area, colour, random))


def drift(
    size: Size, sprite: Sprite, colours: Sequence[Colour], random: Random, *, count: int, side: int
) -> Image.Image:
    """A transparent layer of scattered sprites, `side` pixels large on average."""
    layer = Image.new("RGBA", size)
    for _ in range(count):
        actual, colour = int(side * random.uniform(0.6, 1.3)), random.choice(colours)
        shape = _sprite(sprite, actual, colour)
        x, y = (random.randrange(max(1, length - actual)) for length in size)
        layer.alpha_composite(shape, (x, y))
    return layer


def ridge(pen: Pen, area: Size, colour: Colour, random: Random) -> None:
    """Hills."""
    waves = [
        (cycles, random.uniform(0.3, 1.0) / cycles, random.uniform(0, math.tau))
        for cycles in (1, 2, 3, 5, 8, 21)
    ]
    limit = sum(height for _, height, _ in waves)

    def height_at(share: float) -> float:
        total = sum(h * math.sin(math.tau * cycles * share + phase) for cycles, h, phase in waves)
        return 0.45 - 0.45 * total / limit

    crest = [(x, height_at(x / area[0]) * area[1]) for x in range(0, area[0] + 4, 4)]
    pen.polygon([*crest, area, (0, area[1])], fill=colour)


def pines(pen: Pen, area: Size, colour: Colour, random: Random) -> None:
    """A row of firs."""
    pen.rectangle((0, area[1] * 0.85, *area), fill=colour)
    x = 0.0
    while x < area[0]:
        height = area[1] * random.uniform(0.45, 0.95)
        for part in range(4):
            top = area[1] - height * (1 - part * 0.2)
            half, bottom = height * (0.07 + 0.055 * part), top + height * 0.32
            pen.polygon([(x, top), (x - half, bottom), (x + half, bottom)], fill=colour)
        x += height * random.uniform(0.2, 0.45)


def skyline(pen: Pen, area: Size, colour: Colour, random: Random) -> None:
    """Tower blocks with lit windows."""
    x, unit = 0, max(2, area[1] // 60)
    while x < area[0]:
        width, top = unit * random.randrange(8, 16), int(area[1] * random.uniform(0, 0.65))
        pen.rectangle((x, top, x + width, area[1]), fill=colour)
        for row in range(top + unit, area[1], 2 * unit):
            for column in range(x + unit, x + width - unit, 2 * unit):
                if random.random() < 0.36:
                    window = (column, row, column + unit, row + unit)
                    pen.rectangle(window, fill=random.choice(_WINDOWS))
        x += width + unit


def wave(pen: Pen, area: Size, colour: Colour, random: Random) -> None:
    """Water with a swell and a bright crest."""
    crests, phase = random.randrange(3, 6), random.uniform(0, math.tau)
    swell = area[0] * 0.011
    line = [
        (x, swell * (1.5 + math.sin(math.tau * crests * x / area[0] + phase)))
        for x in range(0, area[0] + 4, 4)
    ]
    pen.polygon([*line, area, (0, area[1])], fill=colour)
    pen.line(line, fill="#ffffff50", width=5)


def flake(pen: Pen, side: int, colour: Colour) -> None:
    pen.ellipse((side * 0.2, side * 0.2, side * 0.8, side * 0.8), fill=colour)


def bubble(pen: Pen, side: int, colour: Colour) -> None:
    pen.ellipse((2, 2, side - 3, side - 3), outline=colour, width=max(2, side // 18))
    pen.ellipse((side * 0.25, side * 0.2, side * 0.42, side * 0.37), fill="#ffffffb0")


def leaf(pen: Pen, side: int, colour: Colour) -> None:
    """Two chords that meet on the diagonal."""
    pen.chord((-side, 0, side, 2 * side), -90, 0, fill=colour)
    pen.chord((0, -side, 2 * side, side), 90, 180, fill=colour)


def lantern(pen: Pen, side: int, colour: Colour) -> None:
    """A paper lantern with its light."""
    for reach in (0.5, 0.42, 0.34):
        _circle(pen, (side / 2, side / 2), side * reach, colour + "28")
    pen.rounded_rectangle(
        (side * 0.32, side * 0.28, side * 0.68, side * 0.72), side * 0.1, fill=colour
    )
    pen.ellipse((side * 0.4, side * 0.45, side * 0.6, side * 0.7), fill="#fff3c4")


def fish(pen: Pen, side: int, colour: Colour) -> None:
    tail = [(side * 0.65, side * 0.5), (side, side * 0.25), (side, side * 0.75)]
    pen.polygon(tail, fill=colour)
    pen.ellipse((0, side * 0.25, side * 0.78, side * 0.75), fill=colour)
    _circle(pen, (side * 0.16, side * 0.45), side * 0.05, "#ffffff")
    _circle(pen, (side * 0.15, side * 0.45), side * 0.025, "#101010")


def balloon(pen: Pen, side: int, colour: Colour) -> None:
    """A hot-air balloon."""
    for left, stripe in ((0.1, colour), (0.25, "#fff4dc"), (0.38, colour)):
        pen.ellipse((side * left, 0, side * (1 - left), side * 0.8), fill=stripe)
    pen.rectangle((side * 0.42, side * 0.84, side * 0.58, side * 0.98), fill="#7a5230")


def ball(side: int, colour: Colour) -> Image.Image:
    return _sprite(flake, side, colour)


def square_code(side: int, colour: Colour, random: Random) -> Image.Image:
    """A white card with an invented square code that no phone can read."""
    code = Image.new("RGBA", (29, 29), "#ffffff")
    for place in range(25 * 25):
        if random.random() < 0.48:
            code.putpixel((2 + place % 25, 2 + place // 25), ImageColor.getcolor(colour, "RGBA"))
    pen = ImageDraw.Draw(code)
    for x, y in ((2, 2), (20, 2), (2, 20)):
        pen.rectangle((x, y, x + 6, y + 6), fill="#ffffff", outline=colour)
        pen.rectangle((x + 2, y + 2, x + 4, y + 4), fill=colour)
    return code.resize((side, side), Image.Resampling.NEAREST)


def _circle(
    pen: Pen, centre: tuple[float, float], radius: float, fill: Colour | tuple[int, int, int]
) -> None:
    x, y = centre
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _sprite(sprite: Sprite, side: int, colour: Colour) -> Image.Image:
    return _smooth((side, side), lambda pen, area: sprite(pen, area[0], colour))


def _smooth(size: Size, paint: Callable[[Pen, Size], None]) -> Image.Image:
    """Paint on a larger transparent canvas and scale it down."""
    area = (size[0] * _SMOOTHING, size[1] * _SMOOTHING)
    canvas = Image.new("RGBA", area)
    paint(ImageDraw.Draw(canvas, "RGBA"), area)
    return canvas.resize(size, Image.Resampling.LANCZOS)
