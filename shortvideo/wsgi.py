"""The WSGI application that the web server serves."""

import os

import django

from shortvideo.handler import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortvideo.settings")
os.environ.setdefault("WEB_PROCESS", "true")
django.setup(set_prefix=False)
application = Handler()
