"""What moves in the demo clips: each scene is a filter graph of ffmpeg over painted layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from PIL import Image

from localvod.demo import painting
from localvod.demo.painting import Colour, Size, Sprite

FPS = 25


@dataclass
class Stage:
    """One clip in the making: its measures and the pictures painted for it so far."""

    folder: Path
    size: Size
    seconds: int
    random: Random
    pictures: list[Path] = field(default_factory=list)

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    def keep(self, picture: Image.Image) -> int:
        """Store a picture as an input of ffmpeg and return its number."""
        path = self.folder / f"layer-{len(self.pictures)}.png"
        picture.save(path, compress_level=1)
        self.pictures.append(path)
        return len(self.pictures) - 1


@dataclass(frozen=True)
class Layer:
    """A picture and its way over the background: pixels, pixels a second, and a sway."""

    picture: Image.Image
    start: tuple[float, float]
    velocity: tuple[float, float] = (0, 0)
    sway: tuple[float, float] = (0, 0)
    period: float = 4.0
    phase: float = 0.0


Scene = Callable[[Stage], str]
"""Paints what it needs into the stage and returns a graph that ends in `[v]`."""


def _layered(stage: Stage, background: Image.Image, layers: Sequence[Layer]) -> str:
    """Layers over a picture, from back to front."""
    graph = [f"[{stage.keep(background)}:v]format=yuv420p,{_still()}[b0]"]
    for number, layer in enumerate(layers):
        picture = f"[{stage.keep(layer.picture)}:v]format=yuva420p,{_still()}[l{number}]"
        x, y = (_way(layer, axis) for axis in (0, 1))
        over = f"[b{number}][l{number}]overlay=x='{x}':y='{y}'[b{number + 1}]"
        graph += [picture, over]
    return ";".join([*graph, f"[b{len(layers)}]null[v]"])


def ridges(
    skies: Sequence[Colour], hills: Sequence[Colour], light: Colour, *, trees: bool
) -> Scene:
    """A landscape that passes by, the nearer the faster."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        if painting.is_dark(skies[0]):
            painting.stars(background, 140, random)
        centre = (stage.width * random.uniform(0.25, 0.75), stage.height * 0.3)
        painting.disc(background, centre, min(stage.size) * 0.09, light)
        layers = []
        for number, colour in enumerate(hills):
            speed = 8 + 14 * number
            top = 0.42 + 0.15 * number
            size = (stage.width + speed * stage.seconds, int(stage.height * (1 - top)) + 2)
            is_front = trees and number == len(hills) - 1
            paint = painting.pines if is_front else painting.ridge
            picture = paint(size, colour, random)
            layers.append(Layer(picture, (0, stage.height - size[1]), (-speed, 0)))
        return _layered(stage, background, layers)

    return scene


def sea(skies: Sequence[Colour], waters: Sequence[Colour], light: Colour) -> Scene:
    """Swell under a low sun or moon."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        if painting.is_dark(skies[0]):
            painting.stars(background, 90, random, lowest=0.4)
        painting.disc(
            background, (stage.width * 0.5, stage.height * 0.38), stage.width * 0.13, light
        )
        layers = []
        for number, colour in enumerate(waters):
            top = 0.46 + 0.5 * number / len(waters)
            reach = 20 + 12 * number
            size = (stage.width + 2 * reach, int(stage.height * (1 - top)) + 40)
            picture = painting.wave(size, colour, 3 - number % 2, random)
            sway = (reach * (1 if number % 2 else -1), 6 + 3 * number)
            start = (-reach, stage.height * top)
            layers.append(Layer(picture, start, (0, 0), sway, 3.5 + number * 0.7, number * 1.1))
        return _layered(stage, background, layers)

    return scene


def city(skies: Sequence[Colour], blocks: Sequence[Colour], lit: Sequence[Colour]) -> Scene:
    """A skyline at night, seen from a train."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        painting.stars(background, 60, random, lowest=0.4)
        painting.disc(
            background, (stage.width * 0.72, stage.height * 0.18), stage.width * 0.07, "#f4ecd2"
        )
        layers = []
        for number, colour in enumerate(blocks):
            speed, share = 10 + 26 * number, 0.62 - 0.17 * number
            size = (stage.width + speed * stage.seconds, int(stage.height * share))
            picture = painting.skyline(size, colour, lit, random)
            layers.append(Layer(picture, (0, stage.height - size[1]), (-speed, 0)))
        return _layered(stage, background, layers)

    return scene


def drifting(
    skies: Sequence[Colour], sprite: Sprite, colours: Sequence[Colour], *, speed: float,
    slant: float = 0.0, ground: Colour | None = None, side: int = 40, count: int = 22,
) -> Scene:  # fmt: skip
    """Small things that fall (speed above 0, pixels a second), rise, or pass by (slant)."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        painting.glow(
            background, (stage.width * 0.5, stage.height * 0.4), stage.width // 2, skies[-1], 0.5
        )
        layers = []
        if ground:
            size = (stage.width, int(stage.height * 0.4))
            layers.append(Layer(painting.pines(size, ground, random), (0, stage.height - size[1])))
        for depth in (0.6, 1.0, 1.5):
            way = [int(abs(pace) * depth * stage.seconds) for pace in (slant, speed)]
            size = (stage.width + way[0], stage.height + way[1])
            picture = painting.drift(
                size, sprite, colours, random, count=int(count / depth), side=int(side * depth)
            )
            start = (0 if slant <= 0 else -way[0], 0 if speed <= 0 else -way[1])
            velocity = (slant * depth, speed * depth)
            layers.append(Layer(picture, start, velocity, (14 * depth, 0), 3 + depth, depth))
        return _layered(stage, background, layers)

    return scene


def balloons(skies: Sequence[Colour], hills: Sequence[Colour], colours: Sequence[Colour]) -> Scene:
    """Hot-air balloons over hills."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        painting.disc(
            background, (stage.width * 0.2, stage.height * 0.2), stage.width * 0.08, "#fff6da"
        )
        layers = []
        for number, colour in enumerate(hills):
            size = (stage.width + 40, int(stage.height * (0.3 - 0.12 * number)))
            start = (0.0, float(stage.height - size[1]))
            layers.append(
                Layer(painting.ridge(size, colour, random), start, (-4 * (number + 1), 0))
            )
        for number, colour in enumerate(colours):
            side = int(stage.width * (0.16 + 0.09 * number))
            start = (stage.width * (0.62 - 0.22 * number), stage.height * (0.25 + 0.16 * number))
            velocity = (3, -stage.height * 0.022 * (number + 1))
            picture = painting.balloon(side, colour)
            layers.append(Layer(picture, start, velocity, (12, 5), 5 + number, number * 2.0))
        return _layered(stage, background, layers)

    return scene


def kaleidoscope(skies: Sequence[Colour], colours: Sequence[Colour], petals: int) -> Scene:
    """Rings of petals that turn against each other."""

    def scene(stage: Stage) -> str:
        ground = stage.keep(painting.sky(stage.size, skies, stage.random))
        graph = [f"[{ground}:v]format=yuv420p,{_still()}[b0]"]
        for number in range(2):
            side = int(stage.width * (1.02 - 0.42 * number)) // 2 * 2
            rings = colours[number * 2 :]
            picture = stage.keep(painting.flower(side, rings, petals + 3 * number))
            turn = "t*0.35" if number else "-t*0.25"
            graph.append(
                f"[{picture}:v]format=yuva420p,{_still()},rotate=a='{turn}':c=none[l{number}];"
                f"[b{number}][l{number}]overlay=x=(W-w)/2:y=(H-h)/2[b{number + 1}]"
            )
        return ";".join([*graph, "[b2]null[v]"])

    return scene


def planets(skies: Sequence[Colour], sun: Colour, colours: Sequence[Colour]) -> Scene:
    """A small solar system."""

    def scene(stage: Stage) -> str:
        background = painting.sky(stage.size, skies, stage.random)
        painting.stars(background, 220, stage.random, lowest=1.0)
        middle = (stage.width / 2, stage.height / 2)
        painting.disc(background, middle, min(stage.size) * 0.11, sun)
        layers = []
        for number, colour in enumerate(colours):
            side = int(min(stage.size) * (0.07 + 0.025 * (number % 3)))
            orbit = min(stage.size) * (0.2 + 0.1 * number)
            start = (middle[0] - side / 2, middle[1] - side / 2)
            sway = (orbit * min(1.0, stage.width / stage.height * 1.6), orbit * 1.25)
            layers.append(
                Layer(painting.planet(side, colour), start, (0, 0), sway, 4 + 2 * number, number)
            )
        return _layered(stage, background, layers)

    return scene


def aurora(skies: Sequence[Colour], lights: Sequence[Colour], hill: Colour) -> Scene:
    """Northern lights over a dark ridge."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        painting.stars(background, 160, random)
        layers = []
        for number, colour in enumerate(lights):
            size = (int(stage.width * 1.5), int(stage.height * (0.62 - 0.08 * number)))
            picture = painting.curtain(size, colour, random)
            start = (-stage.width * 0.25, stage.height * (0.02 + 0.08 * number))
            sway = (stage.width * 0.12, stage.height * 0.02)
            layers.append(Layer(picture, start, (0, 0), sway, 7 + 2 * number, 2.1 * number))
        for share, paint in ((0.34, painting.ridge), (0.26, painting.pines)):
            size = (stage.width, int(stage.height * share))
            layers.append(Layer(paint(size, hill, random), (0, stage.height - size[1])))
        return _layered(stage, background, layers)

    return scene


def lava(curves: str) -> Scene:
    """Perlin noise in the colours of three curves: clouds, smoke or lava."""

    def scene(stage: Stage) -> str:
        noise = (
            f"perlin=s={_part(stage, 6)}:r={FPS}:octaves=3:persistence=0.6:tscale=0.5:xscale=1.6"
            f":yscale=2.4:random_mode=seed:random_seed={stage.random.randrange(1000)}"
        )
        return f"{noise},format=gbrp,curves={curves},{_full(stage)},format=yuv420p[v]"

    return scene


def fractal(x: float, y: float, hue: int) -> Scene:
    """A dive into the Mandelbrot set."""

    def scene(stage: Stage) -> str:
        source = (
            f"mandelbrot=s={_part(stage, 2)}:rate={FPS}:maxiter=400:start_x={x}:start_y={y}"
            f":start_scale=0.6:end_scale=0.003:end_pts={stage.seconds * FPS * 40}:inner=black"
        )
        return f"{source},{_full(stage)},hue=h={hue}+8*t:s=0.8,format=yuv420p[v]"

    return scene


def cells(alive: Colour, dead: Colour, mould: Colour) -> Scene:
    """Conway's game of life as a mosaic."""

    def scene(stage: Stage) -> str:
        colours = ":".join(
            f"{name}={colour}"
            for name, colour in (
                ("life_color", alive),
                ("death_color", dead),
                ("mold_color", mould),
            )
        )
        side = f"{stage.width // 12}x{stage.height // 12}"
        source = (
            f"life=s={side}:r=10:mold=8:ratio=0.28:seed={stage.random.randrange(1000)}:{colours}"
        )
        return f"{source},{_full(stage, 'neighbor')},fps={FPS},format=yuv420p[v]"

    return scene


def weave(rule: int, tint: str) -> Scene:
    """A cellular automaton, row by row, tinted like cloth."""

    def scene(stage: Stage) -> str:
        source = (
            f"cellauto=s={stage.width // 6}x{stage.height // 6}:r=16:rule={rule}:scroll=1"
            f":random_seed={stage.random.randrange(1000)}:random_fill_ratio=0.4"
        )
        return f"{source},format=gbrp,{tint},{_full(stage, 'neighbor')},fps={FPS},format=yuv420p[v]"

    return scene


def poster(skies: Sequence[Colour], ink: Colour) -> Scene:
    """A square code that sways over a loud background: advertising for the reviewers."""

    def scene(stage: Stage) -> str:
        background, random = painting.sky(stage.size, skies, stage.random), stage.random
        painting.glow(background, (stage.width / 2, stage.height / 2), stage.width, "#ffffff", 0.6)
        side = int(stage.width * 0.62)
        start = ((stage.width - side) / 2, (stage.height - side) / 2)
        card = painting.code(side, ink, random)
        confetti = painting.drift(
            (stage.width, stage.height * 2), painting.flake, skies, random, count=70, side=26
        )
        return _layered(stage, background, [
            Layer(confetti, (0, -stage.height), (0, stage.height / stage.seconds * 0.9)),
            Layer(card, start, (0, 0), (10, 24), 2.5),
        ])  # fmt: skip

    return scene


def broadcast() -> Scene:
    """A test picture, as if taken from a screen."""

    def scene(stage: Stage) -> str:
        return (
            f"smptehdbars=s={stage.width}x{stage.height}:r={FPS},"
            "rotate=a='0.03*sin(t)':c=black,vignette=PI/4,format=yuv420p[v]"
        )

    return scene


def _still() -> str:
    """Repeat one picture for ever without decoding it again."""
    return f"loop=loop=-1:size=1,setpts=N/({FPS}*TB)"


def _way(layer: Layer, axis: int) -> str:
    turn = f"2*PI*t/{layer.period:.2f}+{layer.phase:.2f}"
    swing = ("sin", "cos")[axis]
    return (
        f"{layer.start[axis]:.1f}+{layer.velocity[axis]:.2f}*t"
        f"+{layer.sway[axis]:.1f}*{swing}({turn})"
    )


def _part(stage: Stage, divisor: int) -> str:
    return f"{stage.width // divisor}x{stage.height // divisor}"


def _full(stage: Stage, flags: str = "bicubic") -> str:
    return f"scale={stage.width}:{stage.height}:flags={flags},setsar=1"
