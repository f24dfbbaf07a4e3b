"""Signed webhooks to the backend: at least once, in order for each endpoint and video.

An app emits an event in the transaction of what happened; each endpoint that chose the event's
type gets a delivery of the outbox. Other packages import only these modules:

- `services`: `emit` and `silence`
- `models`: `EventType` and `as_text`
"""
