"""The template library `desk`."""

from django import template

from shortvideo.desk import display

register = template.Library()
register.simple_tag(display.badge, name="badge")
register.simple_tag(display.toned, name="toned")
register.filter("clock", display.clock)
register.filter("milliseconds_clock", display.milliseconds_clock)
register.filter("file_size", display.file_size)
register.filter("bitrate", display.bitrate)
