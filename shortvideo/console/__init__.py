"""The dialect of `/console/...`: envelopes, errors, tokens and parameters.

A documented operation is one `ConsoleView` with one class of `Parameters`:

    class CreateAuditView(ConsoleView[CreateAudit]):  # GET or POST /console/vod/createAudit
        http_method_names = ["get", "post"]
        permission_required = "videos.review_video"
        parameters_class = CreateAuditParameters

        def respond(self, query: CreateAudit) -> Envelope: ...
"""
