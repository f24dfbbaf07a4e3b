"""The permissions of the five roles, which are groups.

`migrate` creates the groups and adds missing permissions. It removes none: an installation may add
permissions and groups of its own.
"""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.apps.registry import Apps

VIEW = frozenset(
    {
        "videos.view_video",
        "videos.view_reviewdecision",
        "videos.view_reviewtask",
        "videos.view_machinereview",
        "videos.view_reasontemplate",
        "videos.view_labelthreshold",
        "videos.view_transcodejob",
        "videos.view_videodeletion",
        "videos.view_takedown",
        "videos.view_cdntask",
        "recommendations.view_recommendation",
        "accounts.view_uploader",
    }
)
REVIEW = frozenset({"videos.review_video", "videos.play_unpublished_video", "videos.view_evidence"})
CURATE = frozenset(
    {
        "recommendations.recommend_video",
        "recommendations.change_recommendation",
        "recommendations.delete_recommendation",
        "videos.prefetch_video",
    }
)
OPERATE = frozenset(
    {
        "videos.transcode_video",
        "videos.delete_video",
        "videos.sync_video",
        "videos.change_review_ips",
        "videos.change_reasontemplate",
        "videos.add_reasontemplate",
        "videos.add_labelthreshold",
        "videos.change_labelthreshold",
        "videos.delete_labelthreshold",
        "videos.view_vodevent",
        "videos.replay_vodevent",
        "videos.view_syncrun",
        "videos.view_reconcilerun",
        "outbox.view_delivery",
        "outbox.retry_delivery",
        "outbox.view_lane",
        "outbox.view_periodictask",
        "webhooks.view_endpoint",
        "webhooks.view_event",
        "webhooks.view_dispatch",
        "webhooks.view_attempt",
        "webhooks.replay_dispatch",
    }
)
ADMINISTER = frozenset(
    {
        "accounts.add_operator",
        "accounts.change_operator",
        "accounts.view_operator",
        "accounts.view_consoletoken",
        "accounts.delete_consoletoken",
        "auth.view_group",
        "auth.change_group",
        "auth.add_group",
        "webhooks.add_endpoint",
        "webhooks.change_endpoint",
        "videos.delete_reasontemplate",
        "videos.view_logpruning",
    }
)

ROLES: dict[str, frozenset[str]] = {
    "viewer": VIEW,
    "moderator": VIEW | REVIEW,
    "curator": VIEW | CURATE,
    "operator": VIEW | REVIEW | CURATE | OPERATE,
    "administrator": VIEW | REVIEW | CURATE | OPERATE | ADMINISTER,
}


def create_roles(
    *, app_config: AppConfig, using: str, apps: Apps = installed_apps, **_: Any
) -> None:
    """Create the roles and add their missing permissions of one app (on `post_migrate`)."""
    label = app_config.label
    if not any(name.startswith(f"{label}.") for name in ROLES["administrator"]):
        return
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    permissions = Permission.objects.using(using).filter(content_type__app_label=label)
    known = {f"{label}.{permission.codename}": permission for permission in permissions}
    for role, names in ROLES.items():
        group, _created = Group.objects.using(using).get_or_create(name=role)
        group.permissions.add(*(known[name] for name in names & known.keys()))
