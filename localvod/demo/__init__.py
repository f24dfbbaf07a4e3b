"""Demo clips: painted, set in motion and to sound by ffmpeg, and uploaded the way an app does."""

from localvod.demo.command import add_arguments, run

__all__ = ["add_arguments", "run"]
