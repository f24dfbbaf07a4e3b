"""The scenes of the demo clips: each is a filter graph of ffmpeg, most over painted layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from PIL import Image

from localvod.demo import painting
from localvod.demo.painting import Band, Colour, Size, Sprite

FPS = 25


@dataclass
class Stage:
    """One clip being made: its measures and the pictures painted for it so far."""

    folder: Path
    size: Size
    seconds: int
    random: Random
    pictures: list[Path] = field(default_factory=list)

    def add_picture(self, picture: Image.Image) -> str:
        """Store a picture as an input of ffmpeg; returns the filters that repeat it without end."""
        path = self.folder / f"layer-{len(self.pictures)}.png"
        picture.save(path, compress_level=1)
        self.pictures.append(path)
        pixels = "yuv420p" if picture.mode == "RGB" else "yuva420p"  # once, not for each frame
        still = f"format={pixels},loop=loop=-1:size=1,setpts=N/({FPS}*TB)"
        return f"[{len(self.pictures) - 1}:v]{still}"


@dataclass(frozen=True)
class _Layer:
    """A picture and its path over the background: pixels, pixels a second, and a sway."""

    picture: Image.Image
    start: tuple[float, float]
    velocity: tuple[float, float] = (0, 0)
    sway: tuple[float, float] = (0, 0)
    period: float = 4.0

    def position(self, axis: int) -> str:
        """x (axis 0) or y (axis 1) as an expression of the time `t`."""
        swing = ("sin", "cos")[axis]
        return (
            f"{self.start[axis]:.1f}+{self.velocity[axis]:.2f}*t"
            f"+{self.sway[axis]:.1f}*{swing}({math.tau / self.period:.3f}*t+{self.period})"
        )


Scene = Callable[[Stage], str]
"""Paints its pictures into the stage and returns a graph that ends in `[v]`."""


def _layered(stage: Stage, background: Image.Image, layers: Sequence[_Layer]) -> str:
    """Layers over a picture, from back to front."""
    graph = f"{stage.add_picture(background)}[b]"
    for layer in layers:
        x, y = (layer.position(axis) for axis in (0, 1))
        graph += f";{stage.add_picture(layer.picture)}[l];[b][l]overlay=x='{x}':y='{y}'[b]"
    return f"{graph};[b]format=yuv420p,noise=alls=3[v]"  # grain, as in a recording


def landscape(
    skies: Sequence[Colour], band: Band, colours: Sequence[Colour], light: Colour, *,
    front: Band | None = None, star_count: int = 0, bob: float = 0,
) -> Scene:  # fmt: skip
    """Bands of hills, houses or water pass by, the nearest fastest, and bob by some pixels."""

    def scene(stage: Stage) -> str:
        (width, height), random = stage.size, stage.random
        background = painting.sky(stage.size, skies)
        painting.stars(background, star_count, random)
        painting.disc(background, (width * random.uniform(0.25, 0.75), height * 0.3),
                      min(stage.size) * 0.1, light)  # fmt: skip
        layers = []
        for number, colour in enumerate(colours):
            paint = front if front and number == len(colours) - 1 else band
            speed, top = 10 + 14 * number, int(height * (0.42 + 0.5 * number / len(colours)))
            size = (width + speed * stage.seconds, height - top + 40)
            picture = painting.band(paint, size, colour, random)
            layers.append(_Layer(picture, (0, top), (-speed, 0), (0, bob), 3 + number))
        return _layered(stage, background, layers)

    return scene


def drifting(
    skies: Sequence[Colour], sprite: Sprite, colours: Sequence[Colour], *, speed: float,
    slant: float = 0.0, ground: Colour | None = None, card: Colour | None = None, side: int = 40,
    count: int = 22,
) -> Scene:  # fmt: skip
    """Small shapes drift at `speed` downwards and `slant` to the right, in pixels a second.

    `ground` is the colour of firs behind them, `card` of a square code in front of them.
    """

    def scene(stage: Stage) -> str:
        (width, height), random = stage.size, stage.random
        layers = []
        if ground:
            firs = painting.band(painting.pines, (width, height // 3), ground, random)
            layers.append(_Layer(firs, (0, height - firs.height)))
        for depth in (0.6, 1.0, 1.5):
            way = [int(abs(pace) * depth * stage.seconds) for pace in (slant, speed)]
            picture = painting.drift(
                (width + way[0], height + way[1]), sprite, colours, random,
                count=int(count / depth), side=int(side * depth),
            )  # fmt: skip
            start = (0 if slant <= 0 else -way[0], 0 if speed <= 0 else -way[1])
            velocity = (slant * depth, speed * depth)
            layers.append(_Layer(picture, start, velocity, (14 * depth, 0), 3 + depth))
        if card:
            code = painting.square_code(width * 5 // 8, card, random)
            middle = ((width - code.width) / 2, (height - code.height) / 2)
            layers.append(_Layer(code, middle, sway=(10, 24), period=2.5))
        return _layered(stage, painting.sky(stage.size, skies), layers)

    return scene


def planets(skies: Sequence[Colour], sun: Colour, colours: Sequence[Colour]) -> Scene:
    """A small solar system."""

    def scene(stage: Stage) -> str:
        background, unit = painting.sky(stage.size, skies), min(stage.size)
        painting.stars(background, 220, stage.random)
        middle = (stage.size[0] / 2, stage.size[1] / 2)
        painting.disc(background, middle, unit * 0.11, sun)
        layers = []
        for number, colour in enumerate(colours):
            ball = painting.ball(int(unit * (0.1 + 0.04 * (number % 3))), colour)
            start = (middle[0] - ball.width / 2, middle[1] - ball.height / 2)
            orbit = unit * (0.2 + 0.08 * number)
            layers.append(_Layer(ball, start, sway=(orbit, orbit), period=4 + 2 * number))
        return _layered(stage, background, layers)

    return scene


def generated(source: str, *filters: str, shrink: int = 1, flags: str = "bicubic") -> Scene:
    """A source of ffmpeg at 1/`shrink` of the size (`{seed}`: of the clip), scaled up."""

    def scene(stage: Stage) -> str:
        width, height = stage.size
        graph = [
            f"{source}:s={width // shrink}x{height // shrink}",
            *filters,
            f"scale={width}:{height}:flags={flags},setsar=1,fps={FPS},format=yuv420p[v]",
        ]
        return ",".join(graph).replace("{seed}", str(stage.random.randrange(1000)))

    return scene
