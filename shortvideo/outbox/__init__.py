"""What must reach the cloud: rows written with the decision, sent by the worker.

`services` writes deliveries, `handlers` registers who sends a kind, `periodic` registers work that
comes round, and `worker` (`manage.py work`) does it all.
"""
