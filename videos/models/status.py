"""The statuses. Their values are those that the console API documents."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class CensorStatus(TextChoices):
    ON_CENSOR = "onCensor", _("in AI review")
    CHECK = "check", _("awaiting review")
    SUCCESS = "success", _("approved")
    FAIL = "fail", _("blocked")


class TranscodeStatus(TextChoices):
    NONE = "", _("not submitted")
    ON_TRANSCODE = "onTranscode", _("transcoding")
    SUCCESS = "success", _("done")
    FAIL = "fail", _("failed")


class SnapshotStatus(TextChoices):
    NONE = "", _("none")
    ON_SNAPSHOT = "onSnapshot", _("being taken")
    SUCCESS = "success", _("done")
    FAIL = "fail", _("failed")


class TranscodeKind(TextChoices):
    STANDARD = "standard", _("standard")
    NARROWBAND = "narrowband", _("Narrowband HD")

    @property
    def status_field(self) -> str:
        """The field of Video with the status of this kind."""
        return "transcode_status" if self is self.STANDARD else "narrow_transcode_status"


class Decision(TextChoices):
    """VOD's two decisions, `Review` for a return to the queue, and `Undo`."""

    NORMAL = "Normal", _("approved")
    BLOCKED = "Blocked", _("blocked")
    REVIEW = "Review", _("sent to review")
    UNDO = "Undo", _("undone")

    @property
    def censor_status(self) -> CensorStatus:
        """The video's status after it. KeyError for an undo, which restores the earlier status."""
        return {
            Decision.NORMAL: CensorStatus.SUCCESS,
            Decision.BLOCKED: CensorStatus.FAIL,
            Decision.REVIEW: CensorStatus.CHECK,
        }[self]


class Source(TextChoices):
    """The origin of a decision. People decide through the first three."""

    API = "api", _("console API")
    ADMIN = "admin", _("admin")
    VOD = "vod", _("VOD console")
    MACHINE = "machine", _("AI review")
    SYSTEM = "system", _("this system")

    @classmethod
    def human(cls) -> tuple["Source", ...]:
        return (cls.API, cls.ADMIN, cls.VOD)


class TaskCause(TextChoices):
    """Why a person must review a video."""

    MACHINE_VERDICT = "machine_verdict", _("AI flagged")
    MACHINE_FAILED = "machine_failed", _("AI review failed")
    NEW = "new", _("new clip")
    REPORTED = "reported", _("reported")
    RECHECK = "recheck", _("re-check")
    SECOND_OPINION = "second_opinion", _("second opinion")
    ESCALATED = "escalated", _("escalated")
