"""One sentence for each way in which pip, uv or venv fails."""

import sys
from collections.abc import Sequence

UNREACHABLE = (
    "connect timeout",
    "connection refused",
    "connection reset",
    "connecttimeouterror",
    "could not connect",
    "dns error",
    "error sending request",
    "failed to establish a new connection",
    "failed to fetch",
    "max retries exceeded",
    "name or service not known",
    "name resolution",
    "network is unreachable",
    "no route to host",
    "proxyerror",
    "read timed out",
    "sslerror",
    "tcp connect error",
    "timed out. (connect",
)
NO_SPACE = ("no space left on device", "disk quota exceeded")


def ensurepip_error() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        "This Python has no ensurepip, so it cannot make a virtual environment: install the "
        f"package python3-venv (or python{version}-venv), for example with "
        "`apt-get install python3-venv`."
    )


def venv_error(output: Sequence[str]) -> str:
    """Why the virtual environment was not made, from the output of venv or uv."""
    text = "\n".join(output)
    if "ensurepip" in text:
        return ensurepip_error()
    if any(sign in text.lower() for sign in NO_SPACE):
        return "The disk is full: the virtual environment could not be made."
    return f"The virtual environment could not be made: {output[-1] if output else 'no reason'}."


def install_error(output: Sequence[str], *, tool: str) -> str:
    """Why the packages were not installed, from the output of pip or uv."""
    text = "\n".join(output).lower()
    if any(sign in text for sign in NO_SPACE):
        return "The disk is full: the packages could not be installed; free some space first."
    if any(sign in text for sign in UNREACHABLE):
        variable = "UV_DEFAULT_INDEX" if tool == "uv" else "PIP_INDEX_URL"
        return (
            "The package index could not be reached: check the network, or name another index "
            f"in {variable}."
        )
    return f"{tool} could not install the packages; its last lines above say why."
