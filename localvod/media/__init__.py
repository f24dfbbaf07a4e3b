"""Real media: probing, transcoding and snapshots by ffmpeg; knows nothing of VOD's state."""
