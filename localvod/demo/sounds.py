"""The sounds of the demo clips, as audio sources of ffmpeg."""

from __future__ import annotations

from collections.abc import Sequence

RATE = 44_100


def melody(notes: Sequence[float], beat_seconds: float) -> str:
    """Plucked notes (Hz), one each beat, repeated without end."""
    note = f"{notes[-1]}"
    for number, hertz in reversed(list(enumerate(notes[:-1], start=1))):
        note = f"if(lt(mod(t,{len(notes) * beat_seconds}),{number * beat_seconds}),{hertz},{note})"
    beat = f"mod(t,{beat_seconds})"
    tone = f"(sin(2*PI*{beat}*({note}))+0.35*sin(4*PI*{beat}*({note})))"
    return _expression(f"0.2*{tone}*exp(-{2.2 / beat_seconds:.2f}*{beat})")


def chord(notes: Sequence[float]) -> str:
    """A chord (Hz) whose notes slowly swell."""
    tones = "+".join(
        f"sin(2*PI*{hertz}*t)*(0.6+0.4*sin({0.5 + 0.17 * number}*t))"
        for number, hertz in enumerate(notes)
    )
    return _expression(f"{0.24 / len(notes):.3f}*({tones})")


def pulse(beat_seconds: float) -> str:
    """A soft kick on each beat and a brush between beats."""
    beat, half = f"mod(t,{beat_seconds})", f"mod(t+{beat_seconds / 2},{beat_seconds})"
    kick = f"0.5*sin(2*PI*{beat}*(48+60*exp(-18*{beat})))*exp(-9*{beat})"
    brush = f"0.06*(random(0)*2-1)*exp(-30*{half})"
    return _expression(f"{kick}+{brush}")


def surf(swell_hertz: float) -> str:
    """Waves on a beach: brown noise that swells and fades."""
    return _noise("brown", 0.5, f"tremolo=f={swell_hertz}:d=0.85")


def wind() -> str:
    return _noise("pink", 0.7, "bandpass=f=420:w=300,tremolo=f=0.2:d=0.6,volume=14")


def _expression(expression: str) -> str:
    return f"aevalsrc='{expression}|{expression}':s={RATE}"


def _noise(colour: str, amplitude: float, shape: str) -> str:
    return f"anoisesrc=c={colour}:a={amplitude}:r={RATE}:seed=7,{shape},aformat=cl=stereo"
