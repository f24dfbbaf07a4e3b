"""The OpenAPI schema and its browser, for logged-in staff."""

from csp.decorators import csp_update
from django.contrib.admin.views.decorators import staff_member_required
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

schema = staff_member_required(
    SpectacularJSONAPIView.as_view(authentication_classes=(), permission_classes=())
)
# Icons of Swagger UI are data URLs. The split view has no inline script.
docs = csp_update({"img-src": ["data:"]})(
    staff_member_required(
        SpectacularSwaggerSplitView.as_view(
            authentication_classes=(), permission_classes=(), template_name="console/docs.html"
        )
    )
)
