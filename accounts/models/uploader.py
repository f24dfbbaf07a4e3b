from django.db import models
from django.utils.translation import gettext_lazy as _

from shortvideo.text import NamedOutside, folded, is_blank, isolated


class Uploader(NamedOutside, models.Model):
    """A user of the app, as named in the user data of a clip."""

    user_id = models.CharField(_("user id"), max_length=128, unique=True)
    user_name = models.CharField(_("user name"), max_length=255, blank=True)
    avatar_url = models.CharField(_("avatar URL"), max_length=1024, blank=True)
    name_search = models.TextField(blank=True, editable=False)  # folding makes text longer

    class Meta:
        verbose_name = _("uploader")
        verbose_name_plural = _("uploaders")
        ordering = ["user_id"]

    def __str__(self) -> str:
        return isolated(self.label)

    def save(self, *args: object, **kwargs: object) -> None:
        self.name_search = folded(self.user_name)
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed through unread

    @property
    def label(self) -> str:
        return self.user_id if is_blank(self.user_name) else self.user_name
