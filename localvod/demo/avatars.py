"""Avatars of the uploaders: a sun over hills in the person's colours, 256 x 256, PNG."""

from __future__ import annotations

import io
from random import Random

from localvod.demo import painting
from localvod.demo.clips import Person

SIDE = 256


def key(person: Person) -> str:
    """The avatar's object key on the play domain."""
    return f"avatars/{person.user_id}.png"


def paint(person: Person) -> bytes:
    """The avatar as PNG, always the same for one person."""
    dark, bright, light = person.colours
    random = Random(person.user_id)
    canvas = painting.sky((SIDE, SIDE), (bright, light))
    centre = (SIDE * random.uniform(0.3, 0.7), SIDE * 0.38)
    painting.disc(canvas, centre, SIDE * random.uniform(0.12, 0.2), light)
    for colour, share in ((bright, 0.6), (dark, 0.42)):
        size = (SIDE, int(SIDE * share))
        hill = painting.band(painting.ridge, size, colour, random)
        canvas.paste(hill, (0, SIDE - size[1]), hill)
    content = io.BytesIO()
    canvas.save(content, "PNG", optimize=True)
    return content.getvalue()
