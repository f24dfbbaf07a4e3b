"""The OpenAPI schema and its browser."""

from csp.decorators import csp_update
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from accounts.tokens import authenticate_token
from shortvideo.console.errors import NotLoggedIn, envelope_of
from shortvideo.console.parsing import ParsedRequest

_schema = SpectacularJSONAPIView.as_view(authentication_classes=(), permission_classes=())
_schema_for_staff = staff_member_required(_schema)


@require_safe  # an OPTIONS of DRF's needs a template that is not there
def schema(request: HttpRequest) -> HttpResponseBase:
    """Answer the schema to a valid token, else to logged-in staff."""
    secret = ParsedRequest.of(request).token
    if not secret:
        return _schema_for_staff(request)
    if authenticate_token(secret) is None:
        return envelope_of(NotLoggedIn()).as_response()
    return _schema(request)


# Icons of Swagger UI are data URLs. The split view has no inline script.
_docs = SpectacularSwaggerSplitView.as_view(
    authentication_classes=(), permission_classes=(), template_name="console/docs.html"
)
docs = require_safe(csp_update({"img-src": ["data:"]})(staff_member_required(_docs)))
