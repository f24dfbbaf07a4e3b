"""The desk's pages about webhooks: endpoints, events, deliveries and attempts."""

from .endpoint import EndpointAdmin
from .log import AttemptAdmin, DispatchAdmin, EventAdmin
