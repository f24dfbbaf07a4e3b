"""The desk's pages about webhooks: endpoints, what they were told, and how that went."""

from .endpoint import EndpointAdmin
from .log import AttemptAdmin, DispatchAdmin, EventAdmin

__all__ = ["AttemptAdmin", "DispatchAdmin", "EndpointAdmin", "EventAdmin"]
