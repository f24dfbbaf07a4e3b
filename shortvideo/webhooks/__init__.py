"""Telling the backend: signed webhooks, at least once, in order for each endpoint and video.

An app emits an event in the transaction of what happened; each endpoint that chose its type gets a
delivery of the outbox.
"""
