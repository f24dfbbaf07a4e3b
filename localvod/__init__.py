"""A local stand-in for ApsaraVideo VOD and CDN, for the unmodified official SDKs."""
