"""Calls to the cloud as rows: written with the decision, sent by a worker (`manage.py work`).

Other packages import only these modules:

- `services`: send, cancel, retry, repeat and dismiss deliveries
- `handlers`: `Handler`, its registry, and the outcomes
- `models`: the rows, their states, and the error codes of the outbox
- `periodic`: register periodic tasks
- `backoff`: waits between attempts
- `worker`: `work_once()`, for a scheduler in place of `manage.py work`
"""
