"""The admin site as an app: its name, and which AdminSite serves it."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    default_site = "shortvideo.admin_site.ConsoleAdminSite"
