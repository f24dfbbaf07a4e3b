"""Operators, roles, uploaders' names and the file that is prefetched."""

import pytest
from django.contrib.auth.models import Group

from accounts.models import ConsoleToken, Uploader
from accounts.roles import ROLES
from shortvideo.text import folded
from tests.factories import make_file, make_operator, make_uploader, make_video

pytestmark = pytest.mark.django_db


def test_migrate_creates_the_five_roles_with_their_permissions() -> None:
    for role, names in ROLES.items():
        granted = {
            f"{app}.{codename}"
            for app, codename in Group.objects.get(name=role).permissions.values_list(
                "content_type__app_label", "codename"
            )
        }
        assert granted == names, role


def test_only_operators_and_administrators_may_delete_videos() -> None:
    allowed = {role for role in ROLES if make_operator(role).has_perm("videos.delete_video")}
    assert allowed == {"operator", "administrator"}


def test_an_operator_cannot_be_deleted() -> None:
    with pytest.raises(TypeError, match="deactivated"):
        make_operator().delete()


def test_a_token_has_32_url_safe_characters() -> None:
    secret = ConsoleToken.new_secret()
    assert len(secret) == 32
    assert secret.replace("-", "").replace("_", "").isalnum()


def test_names_are_compared_after_nfkc_and_case_folding() -> None:
    uploader = make_uploader(user_name="ＡＮＮＥ Straße")
    assert Uploader.objects.get(name_search=folded("anne STRASSE")) == uploader


def test_a_name_that_folding_makes_longer_is_stored() -> None:
    uploader = make_uploader(user_name="\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 255)
    uploader.refresh_from_db()
    assert len(uploader.name_search) > 4_000


def test_the_tallest_narrowband_file_is_prefetched() -> None:
    files = [
        make_file("m/fhd.mp4", height=1920),
        make_file("m/nb-sd.mp4", height=640, is_narrowband=True),
        make_file("m/nb-hd.mp4", height=1280, is_narrowband=True),
    ]
    chosen = make_video(files=files).file_to_prefetch()
    assert chosen is not None
    assert chosen["path"] == "m/nb-hd.mp4"


def test_the_source_is_prefetched_if_there_is_no_transcoded_file() -> None:
    chosen = make_video(files=[], source_path="m/source.mp4").file_to_prefetch()
    assert chosen is not None
    assert chosen["path"] == "m/source.mp4"
