"""What the demo clips are painted with: skies, hills, skylines and small things that drift.

Sizes are (width, height) in pixels, colours are `#rrggbb`. Everything follows from the `Random`
that is passed in, so that a clip looks the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

Size = tuple[int, int]
Colour = str
Sprite = Callable[[int, Colour], Image.Image]

SMOOTHING = 2
"""Shapes are drawn this many times larger and scaled down: Pillow's own edges are jagged."""


def sky(size: Size, colours: Sequence[Colour], random: Random) -> Image.Image:
    """A vertical gradient with a trace of grain, so that it does not fall into bands."""
    strip = Image.new("RGB", (1, len(colours)))
    for row, colour in enumerate(colours):
        strip.putpixel((0, row), ImageColor.getrgb(colour))
    painted = strip.resize(size, Image.Resampling.BICUBIC)
    noise = Image.frombytes("L", (128, 128), random.randbytes(128 * 128))
    grain = Image.new("L", size)
    for left in range(0, size[0], 128):
        for top in range(0, size[1], 128):
            grain.paste(noise, (left, top))
    level = grain.point([value // 43 for value in range(256)])
    return ImageChops.add(painted, Image.merge("RGB", (level, level, level)), offset=-3)


def is_dark(colour: Colour) -> bool:
    return sum(ImageColor.getrgb(colour)[:3]) < 200


def glow(
    canvas: Image.Image, centre: tuple[float, float], radius: int, colour: Colour, strength: float
) -> None:
    """A soft light, brightest at its centre."""
    falloff = Image.radial_gradient("L").resize((2 * radius, 2 * radius))
    mask = falloff.point([int(max(0, 255 - 1.4 * value) * strength) for value in range(256)])
    place = (int(centre[0]) - radius, int(centre[1]) - radius)
    canvas.paste(Image.new("RGB", mask.size, colour), place, mask)


def disc(canvas: Image.Image, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """A sun or a moon with a halo."""
    glow(canvas, centre, int(radius * 3), colour, 0.55)
    mask = _smooth(
        (int(2 * radius), int(2 * radius)),
        lambda draw, size: draw.ellipse((0, 0, size[0] - 1, size[1] - 1), fill="white"),
    )
    place = (int(centre[0] - radius), int(centre[1] - radius))
    canvas.paste(Image.new("RGB", mask.size, colour), place, mask.getchannel("A"))


def stars(canvas: Image.Image, count: int, random: Random, *, lowest: float = 0.6) -> None:
    draw = ImageDraw.Draw(canvas)
    for _ in range(count):
        x, y = random.randrange(canvas.width), random.randrange(int(canvas.height * lowest))
        level = random.randrange(120, 256)
        radius = random.choice((0, 0, 1, 1, 1.6))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(level, level, 255))


def ridge(size: Size, colour: Colour, random: Random, *, roughness: float = 1.0) -> Image.Image:
    """Hills that fill the lower part of a transparent layer and meet at its left and right edge."""
    waves = [
        (cycles, random.uniform(0.3, 1.0) / cycles**0.9, random.uniform(0, math.tau))
        for cycles in (1, 2, 3, 5, 8, 13, 21, 34)
    ]
    limit = sum(height for _, height, _ in waves)

    def height_at(share: float) -> float:
        total = sum(
            height * math.sin(math.tau * cycles * share + phase) * (roughness if cycles > 4 else 1)
            for cycles, height, phase in waves
        )
        return 0.5 - 0.5 * total / limit

    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        crest = [(x, height_at(x / area[0]) * area[1] * 0.9) for x in range(0, area[0] + 1, 4)]
        draw.polygon([*crest, (area[0], area[1]), (0, area[1])], fill=colour)

    return _smooth(size, paint)


def pines(size: Size, colour: Colour, random: Random) -> Image.Image:
    """A row of firs in front of everything."""

    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        draw.rectangle((0, area[1] * 0.85, area[0], area[1]), fill=colour)
        x = 0.0
        while x < area[0] * 0.97:
            height = area[1] * random.uniform(0.45, 0.95)
            for part in range(4):
                top = area[1] - height * (1 - part * 0.2)
                half = height * (0.07 + 0.055 * part)
                draw.polygon(
                    [(x, top), (x - half, top + height * 0.32), (x + half, top + height * 0.32)],
                    fill=colour,
                )
            x += height * random.uniform(0.2, 0.45)

    return _smooth(size, paint)


def skyline(size: Size, colour: Colour, lit: Sequence[Colour], random: Random) -> Image.Image:
    """Tower blocks with lit windows."""
    layer = Image.new("RGBA", size)
    draw, x = ImageDraw.Draw(layer), 0
    while x < size[0]:
        width = random.randrange(size[1] // 8, size[1] // 4)
        top = size[1] - int(size[1] * random.uniform(0.35, 1.0))
        draw.rectangle((x, top, x + width, size[1]), fill=colour)
        for row in range(top + 8, size[1] - 6, 16):
            for column in range(x + 6, x + width - 8, 13):
                if random.random() < 0.36:
                    draw.rectangle((column, row, column + 6, row + 8), fill=random.choice(lit))
        x += width + random.randrange(2, 10)
    return layer


def wave(size: Size, colour: Colour, crests: int, random: Random) -> Image.Image:
    """Water with a swell that repeats seamlessly from edge to edge."""
    phase = random.uniform(0, math.tau)

    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        swell = area[0] * 0.011

        def top(x: int) -> float:
            turn = math.tau * x / area[0]
            small = math.sin(2 * crests * turn + phase)
            return swell * (1.5 - math.sin(crests * turn) - 0.4 * small)

        line = [(x, top(x)) for x in range(0, area[0] + 1, 4)]
        draw.polygon([*line, (area[0], area[1]), (0, area[1])], fill=colour)
        draw.line(line, fill="#ffffff50", width=5)

    return _smooth(size, paint)


def drift(
    size: Size, sprite: Sprite, colours: Sequence[Colour], random: Random, *, count: int, side: int
) -> Image.Image:
    """A transparent layer of scattered sprites, `side` pixels large on average."""
    layer = Image.new("RGBA", size)
    for _ in range(count):
        shape = sprite(int(side * random.uniform(0.6, 1.3)), random.choice(colours))
        x = random.randrange(max(1, size[0] - shape.width))
        y = random.randrange(max(1, size[1] - shape.height))
        layer.alpha_composite(shape, (x, y))
    return layer


def curtain(size: Size, colour: Colour, random: Random) -> Image.Image:
    """Northern lights: soft vertical folds that fade upwards."""
    folds = Image.frombytes(
        "L", (24, 1), bytes(random.choice((20, 90, 170, 255)) for _ in range(24))
    )
    heights = Image.frombytes("L", (1, 5), bytes((0, 60, 190, 120, 0)))
    mask = ImageChops.multiply(
        folds.resize(size, Image.Resampling.BICUBIC), heights.resize(size, Image.Resampling.BICUBIC)
    )
    layer = Image.new("RGBA", size, colour)
    layer.putalpha(mask)
    lean = size[0] / size[1] * random.uniform(-0.25, 0.25)
    shear = (1, lean, -lean * size[1] / 2, 0, 1, 0)
    return layer.transform(size, Image.Transform.AFFINE, shear, Image.Resampling.BILINEAR)


def flake(side: int, colour: Colour) -> Image.Image:
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((side * 0.2, side * 0.2, side * 0.8, side * 0.8), fill=255)
    shape = Image.new("RGBA", (side, side), colour)
    shape.putalpha(mask.filter(ImageFilter.GaussianBlur(side / 14)))
    return shape


def bubble(side: int, colour: Colour) -> Image.Image:
    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        width = max(2, area[0] // 18)
        draw.ellipse((2, 2, area[0] - 3, area[1] - 3), outline=colour, width=width)
        draw.ellipse(
            (area[0] * 0.25, area[1] * 0.2, area[0] * 0.42, area[1] * 0.37), fill="#ffffffb0"
        )

    return _smooth((side, side), paint)


def leaf(side: int, colour: Colour) -> Image.Image:
    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        width, height = area
        draw.chord((-width * 0.35, 0, width * 0.95, height), -60, 60, fill=colour)
        draw.chord((width * 0.27, 0, width * 1.57, height), 120, 240, fill=colour)
        draw.line((width * 0.6, height * 0.1, width * 0.6, height * 0.95), "#00000040", width // 22)

    turned = _smooth((side, side), paint)
    return turned.rotate(side * 37 % 360, Image.Resampling.BICUBIC)


def lantern(side: int, colour: Colour) -> Image.Image:
    """A paper lantern with its light."""
    canvas = Image.new("RGBA", (side * 2, side * 2))
    falloff = Image.radial_gradient("L").resize(canvas.size)
    halo = Image.new("RGBA", canvas.size, colour)
    halo.putalpha(falloff.point([max(0, 120 - value) for value in range(256)]))

    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        width, height = area
        draw.rounded_rectangle(
            (width * 0.32, height * 0.28, width * 0.68, height * 0.72), width * 0.1, fill=colour
        )
        draw.ellipse((width * 0.4, height * 0.45, width * 0.6, height * 0.7), fill="#fff3c4")
        draw.rectangle((width * 0.4, height * 0.26, width * 0.6, height * 0.29), fill="#5a1e12")
        draw.rectangle((width * 0.4, height * 0.71, width * 0.6, height * 0.74), fill="#5a1e12")

    canvas.alpha_composite(halo)
    canvas.alpha_composite(_smooth(canvas.size, paint))
    return canvas


def fish(side: int, colour: Colour) -> Image.Image:
    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        width, height = area
        draw.polygon(
            [(width * 0.65, height * 0.5), (width, height * 0.15), (width, height * 0.85)],
            fill=colour,
        )
        draw.ellipse((0, height * 0.12, width * 0.78, height * 0.88), fill=colour)
        draw.chord((0, height * 0.12, width * 0.78, height * 0.88), 20, 160, fill="#ffffff38")
        draw.ellipse((width * 0.12, height * 0.36, width * 0.2, height * 0.5), fill="#ffffff")
        draw.ellipse((width * 0.13, height * 0.39, width * 0.18, height * 0.48), fill="#101010")

    return _smooth((side, int(side * 0.6)), paint)


def balloon(side: int, colour: Colour) -> Image.Image:
    """A hot-air balloon in two colours."""

    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        width, height = area
        bottom = height * 0.72
        draw.ellipse((0, 0, width - 1, bottom), fill=colour)
        draw.ellipse((width * 0.18, 0, width * 0.82, bottom), fill="#fff4dc")
        draw.ellipse((width * 0.36, 0, width * 0.64, bottom), fill=colour)
        for left, right in ((0.3, 0.42), (0.7, 0.58)):
            draw.line((width * left, bottom * 0.96, width * right, height * 0.88), "#4a3520", 3)
        draw.rounded_rectangle(
            (width * 0.4, height * 0.87, width * 0.6, height - 1), width * 0.03, fill="#7a5230"
        )

    return _smooth((side, int(side * 1.35)), paint)


def flower(side: int, colours: Sequence[Colour], petals: int) -> Image.Image:
    """Rings of petals around a centre: turned, it becomes a kaleidoscope."""
    canvas = Image.new("RGBA", (side, side))
    for ring, colour in enumerate(colours):
        reach = side * (0.5 - 0.42 * ring / len(colours))
        petal = Image.new("RGBA", (side, side))
        ImageDraw.Draw(petal).ellipse(
            (side / 2 - reach * 0.22, side / 2 - reach, side / 2 + reach * 0.22, side / 2),
            fill=colour,
        )
        for number in range(petals):
            angle = 360 * (number + ring / 2) / petals
            canvas.alpha_composite(petal.rotate(angle, Image.Resampling.BICUBIC))
    return canvas


def planet(side: int, colour: Colour) -> Image.Image:
    def paint(draw: ImageDraw.ImageDraw, area: Size) -> None:
        draw.ellipse((0, 0, area[0] - 1, area[1] - 1), fill=colour)

    ball = _smooth((side, side), paint)
    shade = Image.radial_gradient("L").resize((side * 2, side * 2)).crop((0, 0, side, side))
    dark = Image.new("RGB", (side, side), "#05060f")
    lit = Image.composite(dark, ball.convert("RGB"), shade.point([v * 3 // 4 for v in range(256)]))
    lit.putalpha(ball.getchannel("A"))
    return lit


def code(side: int, colour: Colour, random: Random) -> Image.Image:
    """A made-up square code; it cannot be scanned."""
    modules = 25
    small = Image.new("RGB", (modules, modules), "#ffffff")
    for x in range(modules):
        for y in range(modules):
            if random.random() < 0.48:
                small.putpixel((x, y), ImageColor.getrgb(colour))
    draw = ImageDraw.Draw(small)
    for x, y in ((0, 0), (modules - 7, 0), (0, modules - 7)):
        draw.rectangle((x, y, x + 6, y + 6), fill="#ffffff", outline=colour)
        draw.rectangle((x + 2, y + 2, x + 4, y + 4), fill=colour)
    code_image = small.resize((side - 40, side - 40), Image.Resampling.NEAREST)
    card = _smooth(
        (side, side),
        lambda pen, area: pen.rounded_rectangle(
            (0, 0, area[0] - 1, area[1] - 1), 60, fill="#ffffff"
        ),
    )
    card.paste(code_image, (20, 20))
    return card


def _smooth(size: Size, paint: Callable[[ImageDraw.ImageDraw, Size], None]) -> Image.Image:
    """Paint on a larger transparent canvas and scale it down."""
    area = (max(1, size[0]) * SMOOTHING, max(1, size[1]) * SMOOTHING)
    canvas = Image.new("RGBA", area)
    paint(ImageDraw.Draw(canvas, "RGBA"), area)
    return canvas.resize((max(1, size[0]), max(1, size[1])), Image.Resampling.LANCZOS)
