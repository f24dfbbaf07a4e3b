"""The admin site as an app. Its own module: `admin_site` needs models, an app loads before them."""

from django.contrib.admin.apps import AdminConfig


class ConsoleAdminConfig(AdminConfig):
    default_site = "shortvideo.admin_site.ConsoleAdminSite"
