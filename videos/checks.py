"""What `manage.py check` says about an installation that talks to VOD and lacks a setting."""

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

CONSEQUENCES = {
    "CDN_DOMAINS": ("videos.W001", "nothing is purged or prefetched, and pages show no media"),
    "VOD_CALLBACK_URL": ("videos.W002", "every callback is refused"),
    "VOD_CALLBACK_KEY": ("videos.W003", "every callback is refused"),
    "VOD_TRANSCODE_TEMPLATE_GROUP_ID": ("videos.W004", "standard transcoding is refused"),
    "VOD_NARROWBAND_TEMPLATE_GROUP_ID": ("videos.W005", "Narrowband HD is refused"),
}


def check_vod_settings(*_: object, **__: object) -> list[CheckMessage]:
    """Warn of each setting that is empty while an access key is configured."""
    if not settings.ALIBABA_CLOUD_ACCESS_KEY_ID:
        return []
    hint = "See docs/configuration.md."
    return [
        CheckWarning(f"{name} is not set: {consequence}.", hint=hint, id=number)
        for name, (number, consequence) in CONSEQUENCES.items()
        if not getattr(settings, name)
    ]
