"""Real media: probing, transcoding and snapshots by ffmpeg, independent of VOD's state."""
