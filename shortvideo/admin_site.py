"""The moderators' desk: Django's admin under this project's name."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class ConsoleAdminSite(AdminSite):
    site_title = _("Short Video Console")
    site_header = _("Short Video Console")
    index_title = _("Desk")
    enable_nav_sidebar = True
