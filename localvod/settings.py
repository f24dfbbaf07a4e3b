"""The settings of the server, from the environment or from flags of the command line."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

VERDICTS = ("pass", "review", "block", "error")


class SettingsError(ValueError):
    """A setting has an invalid value; the message is one clear sentence."""


def _setting(default: str, help_text: str) -> str:
    value: str = field(default=default, metadata={"help": help_text})
    return value


@dataclass(frozen=True, slots=True)
class RawSettings:
    """The settings as text: one field per variable `LOCALVOD_<FIELD>` and flag `--<field>`."""

    host: str = _setting("127.0.0.1", "address to listen on")
    port: str = _setting("8399", "port to listen on; 0 takes a free one and prints it")
    state: str = _setting("var/localvod", "folder of the database and the media")
    access_key_id: str = _setting("localvod", "the accepted access key id")
    access_key_secret: str = _setting("localvod-secret", "the secret of that access key")
    cdn_domain: str = _setting("", "host of media URLs; empty: the server's address")
    cdn_auth_key: str = _setting("", "key of CDN URL authentication type A; empty: unsigned URLs")
    cdn_auth_ttl: str = _setting("1800", "seconds for which a signed URL is valid")
    cdn_task_seconds: str = _setting("2", "seconds that a prefetch or refresh task takes")
    callback_url: str = _setting("", "URL for events, until SetMessageCallback sets another")
    callback_key: str = _setting("", "key that signs events; empty: no signature headers")
    review_mode: str = _setting("before", "before: publish after review; after: publish at once")
    auto_review: str = _setting("on", "on: each upload gets a machine review; off: none")
    review_ips: str = _setting("", "review security IPs at the first start, comma separated")
    verdict: str = _setting("pass", "machine verdict of a clip whose title and tags name none")
    standard_group: str = _setting("standard-template-group", "id of the standard template group")
    narrowband_group: str = _setting(
        "narrowband-template-group", "id of the Narrowband HD template group"
    )
    rate_limits: str = _setting("off", "on: enforce the published calls per second; off")
    workers: str = _setting("", "media jobs at a time; empty: 2, or 1 on a single core")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, checked and typed."""

    host: str
    port: int
    state: Path
    access_key_id: str
    access_key_secret: str
    cdn_domain: str
    cdn_auth_key: str
    cdn_auth_ttl_seconds: int
    cdn_task_seconds: float
    callback_url: str
    callback_key: str
    is_review_before_publish: bool
    is_auto_review: bool
    review_ips: tuple[str, ...]
    verdict: str
    standard_group: str
    narrowband_group: str
    is_rate_limited: bool
    workers: int

    @property
    def database_path(self) -> Path:
        return self.state / "localvod.sqlite3"

    @property
    def media_root(self) -> Path:
        return self.state / "media"


def raw_from_environment(environment: Mapping[str, str] | None = None) -> RawSettings:
    """The settings as text, from variables `LOCALVOD_<FIELD>`; an unset one has its default."""
    environment = os.environ if environment is None else environment
    names = {item.name: _variable(item.name) for item in fields(RawSettings)}
    given = {name: environment[key] for name, key in names.items() if key in environment}
    return RawSettings(**given)


def parse_settings(raw: RawSettings) -> Settings:
    """Check the settings. Raises SettingsError, which names the variable and allowed values."""
    return Settings(
        host=raw.host,
        port=_integer("port", raw.port, 0, 65_535),
        state=Path(raw.state),
        access_key_id=_text("access_key_id", raw.access_key_id),
        access_key_secret=_text("access_key_secret", raw.access_key_secret),
        cdn_domain=raw.cdn_domain,
        cdn_auth_key=raw.cdn_auth_key,
        cdn_auth_ttl_seconds=_integer("cdn_auth_ttl", raw.cdn_auth_ttl, 1, 31_536_000),
        cdn_task_seconds=_integer("cdn_task_seconds", raw.cdn_task_seconds, 0, 86_400),
        callback_url=_url("callback_url", raw.callback_url),
        callback_key=raw.callback_key,
        is_review_before_publish=_choice("review_mode", raw.review_mode, "before", "after")
        == "before",
        is_auto_review=_switch("auto_review", raw.auto_review),
        review_ips=_addresses("review_ips", raw.review_ips),
        verdict=_choice("verdict", raw.verdict, *VERDICTS),
        standard_group=_text("standard_group", raw.standard_group),
        narrowband_group=_text("narrowband_group", raw.narrowband_group),
        is_rate_limited=_switch("rate_limits", raw.rate_limits),
        workers=_integer("workers", raw.workers or str(min(2, os.cpu_count() or 1)), 1, 64),
    )


def _variable(name: str) -> str:
    return f"LOCALVOD_{name.upper()}"


def _text(name: str, value: str) -> str:
    if not value:
        raise SettingsError(f"{_variable(name)} may not be empty.")
    return value


def _url(name: str, value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#]+[!-~]*", value):
        raise SettingsError(f"{_variable(name)} is {value!r}; it must be an http or https URL.")
    return value


def _addresses(name: str, value: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    for address in found:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as error:
            raise SettingsError(
                f"{_variable(name)} has {address!r}; it must be IP addresses or networks."
            ) from error
    return found


def _integer(name: str, value: str, least: int, most: int) -> int:
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise SettingsError(
            f"{_variable(name)} is {value!r}; it must be a whole number from {least} to {most}."
        )
    return int(value)


def _choice(name: str, value: str, *allowed: str) -> str:
    if value not in allowed:
        choices = ", ".join(allowed)
        raise SettingsError(f"{_variable(name)} is {value!r}; it must be one of {choices}.")
    return value


def _switch(name: str, value: str) -> bool:
    return _choice(name, value, "on", "off") == "on"
