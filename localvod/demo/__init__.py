"""Demo clips: painted, set in motion and to sound by ffmpeg, and uploaded the way an app does."""
