"""What a request costs in queries, and the bytes of an answer."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group, Permission

from accounts.tokens import authenticate_token
from tests.factories import make_operator, make_uploader, make_video
from tests.support.console import Console, url_of
from videos.models import CensorStatus

BYTES = (
    '{{"result":"true","requestId":"{request_id}","message":"","code":"200","data":'
    '{{"id":"{pk}","videoId":"v1","title":"夏天 <é> \\"1\\"","description":"","duration":13,'
    '"coverUrl":"https://media.example.com/v1/a%20b.jpg",'
    '"creationTime":"2019-01-09 22:11:29.9","status":"Normal","firstFrameUrl":"","size":7,'
    '"cateId":0,"cateName":"","tags":"","shareUrl":"","user":{{"userId":"u1","userName":"Anne",'
    '"avatarUrl":"https://elsewhere.example.com/a.png"}},"transcodeStatus":"success",'
    '"snapshotStatus":"success","censorStatus":"success","narrowTranscodeStatus":"",'
    '"isRecommend":"true","SnapshotList":["https://media.example.com/v1/1.jpg"],'
    '"snapshotList":["https://media.example.com/v1/1.jpg"],"fileUrilList":[],"fileUrlList":[]}}}}'
)


def test_an_answer_is_the_same_to_the_byte(console: Console, settings: Any) -> None:
    settings.MEDIA_URL_SCHEME = "https"
    video = make_video(
        vod_id="v1",
        title='夏天 <é> "1"',
        duration=12.5,
        size=7,
        cover="media.example.com/v1/a b.jpg",
        first_frame="",
        snapshots=["media.example.com/v1/1.jpg"],
        files=[],
        creation_time=datetime(2019, 1, 9, 14, 11, 29, 960_000, tzinfo=UTC),
        uploader=make_uploader(
            user_id="u1", user_name="Anne", avatar_url="https://elsewhere.example.com/a.png"
        ),
        recommended=True,
    )
    response = console.http.get(
        url_of("getVideoById"),
        {"videoId": "v1"},
        headers={"Authorization": f"Bearer {console.token}"},
    )
    expected = BYTES.format(request_id=response["X-Request-Id"], pk=video.pk)
    assert response.content.decode() == expected


def test_one_video_takes_two_queries(console: Console, django_assert_num_queries: Any) -> None:
    video = make_video(recommended=True)
    console.get("getVideoById", videoId=video.vod_id)
    with django_assert_num_queries(2):  # the token with permissions, the video
        assert console.get("getVideoById", videoId=video.vod_id)["data"]["isRecommend"] == "true"


def test_pictures_and_statuses_add_no_query(
    console: Console, django_assert_max_num_queries: Any
) -> None:
    for status in CensorStatus.values * 3:
        make_video(censor_status=status, uploader=make_uploader())
    with django_assert_max_num_queries(4):  # token, ids and total (SQLite: two), rows
        listed = console.get("getVideos", pageSize=12)["data"]["videoList"]
    assert all(video["fileUrlList"] and video["user"]["avatarUrl"] for video in listed)


def test_permissions_come_with_the_token(db: None, django_assert_num_queries: Any) -> None:
    review = Permission.objects.get(content_type__app_label="videos", codename="review_video")
    team = Group.objects.create(name="team")
    team.permissions.add(review)
    by_group, by_itself, by_nothing = make_operator(""), make_operator(""), make_operator("")
    by_group.groups.add(team)
    by_itself.user_permissions.add(review)
    by_right = make_operator("", is_superuser=True)
    clients = [Console(operator) for operator in (by_group, by_itself, by_right, by_nothing)]
    with django_assert_num_queries(4):
        tokens = [authenticate_token(client.token) for client in clients]
        found = [token and token.operator.has_perm("videos.review_video") for token in tokens]
    assert found == [True, True, True, False]
    by_group.groups.clear()
    token = authenticate_token(clients[0].token)
    assert token is not None
    assert not token.operator.has_perm("videos.review_video")


def test_a_call_of_a_program_has_no_session_and_language(console: Console) -> None:
    response = console.http.get(
        url_of("getVideos"), {"consoleToken": console.token}, headers={"Accept-Language": "zh-hans"}
    )
    assert not response.cookies
    assert "Accept-Language" not in response.get("Vary", "")
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert not hasattr(response.wsgi_request, "session")
