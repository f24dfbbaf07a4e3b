"""ApsaraVideo VOD and CDN on one machine: what the official SDKs take for the cloud."""
