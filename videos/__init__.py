"""The mirror of VOD's videos, and what people decide about them."""
