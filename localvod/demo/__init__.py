"""Demo clips: painted, rendered by ffmpeg and uploaded like an app does."""

from localvod.demo.command import add_arguments, run
