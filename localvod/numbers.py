"""Numbers that others give: in a range, finite, and of the type that is asked for."""


class NumberError(ValueError):
    """A number that is not allowed; the message is one sentence that names what is allowed."""


def whole_number(name: str, value: object, least: int, most: int) -> int:
    """The value, if it is a whole number from `least` to `most`. Raises NumberError."""
    if type(value) is not int or not least <= value <= most:
        raise NumberError(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
    return value


def number(name: str, value: object, least: int, most: int) -> float:
    """The value, if it is a number from `least` to `most`. Raises NumberError."""
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise NumberError(f"{name} must be a number from {least} to {most}, not {value!r}.")
    return value  # type: ignore[return-value]
