"""Prefetch and refresh with their quotas; which URLs play, and until when."""

import hashlib
import socket
import time
from collections.abc import Iterator

import pytest
from alibabacloud_cdn20180510 import models as cdn_models
from alibabacloud_cdn20180510.client import Client as CdnClient
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from tests.localvod.conftest import refused, sdk_config
from tests.support.localvod import LocalVod

AUTH_KEY = "typeA0123456789"


@pytest.fixture(scope="module")
def signing_vod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalVod]:
    """A localvod with signed media URLs, whose CDN tasks take an hour."""
    state = tmp_path_factory.mktemp("signing")
    with LocalVod(
        state, cdn_auth_key=AUTH_KEY, cdn_auth_ttl="1800", cdn_task_seconds="3600"
    ) as server:
        yield server


def sign(url: str, at: float, key: str = AUTH_KEY) -> str:
    """Sign a URL as an app does, by CDN URL authentication of type A."""
    path = "/" + url.partition("//")[2].partition("/")[2]
    timestamp = str(int(at))
    digest = hashlib.md5(f"{path}-{timestamp}-0-0-{key}".encode()).hexdigest()
    return f"{url}?auth_key={timestamp}-0-0-{digest}"


def push(cdn: CdnClient, *paths: str) -> str:
    request = cdn_models.PushObjectCacheRequest(object_path="\n".join(paths))
    task_id: str = cdn.push_object_cache(request).body.push_task_id
    return task_id


def refresh(cdn: CdnClient, *paths: str, kind: str = "File") -> str:
    request = cdn_models.RefreshObjectCachesRequest(object_path="\n".join(paths), object_type=kind)
    task_id: str = cdn.refresh_object_caches(request).body.refresh_task_id
    return task_id


def tasks(cdn: CdnClient, **parameters: str) -> list[tuple[str, str, str]]:
    body = cdn.describe_refresh_tasks(cdn_models.DescribeRefreshTasksRequest(**parameters)).body
    return [(task.object_type, task.status, task.process) for task in body.tasks.cdntask]


def play_url(client: Client, video_id: str) -> str:
    body = client.get_play_info(models.GetPlayInfoRequest(video_id=video_id)).body
    url: str = body.play_info_list.play_info[0].play_url
    return url


def test_a_prefetch_ends_complete_or_failed(vod: LocalVod, client: Client, cdn: CdnClient) -> None:
    good = push(cdn, play_url(client, vod.seed()).removeprefix("http://"))
    assert tasks(cdn, task_id=good) == [("preload", "Complete", "100%")]
    bad = push(cdn, f"{vod.endpoint}/nothing/here.mp4")
    assert tasks(cdn, task_id=bad) == [("preload", "Failed", "0%")]


def test_a_task_in_progress_shows_its_percentage(signing_vod: LocalVod) -> None:
    cdn = CdnClient(sdk_config(signing_vod))
    task_id = refresh(cdn, f"{signing_vod.endpoint}/a.jpg")
    assert tasks(cdn, task_id=task_id) == [("file", "Refreshing", "0%")]


def test_prefetches_are_limited_per_call_and_per_day(vod: LocalVod, cdn: CdnClient) -> None:
    paths = [f"{vod.endpoint}/v/{number}.mp4" for number in range(101)]
    with refused("InvalidObjectPath.Size.Malformed", 400):
        push(cdn, *paths)
    for _ in range(9):
        push(cdn, *paths[:100])
    push(cdn, *paths[:99])
    quota = cdn.describe_refresh_quota(cdn_models.DescribeRefreshQuotaRequest()).body
    assert (quota.preload_quota, quota.preload_remain) == ("1000", "1")
    with refused("QuotaExceeded.Preload", 400):
        push(cdn, *paths[:2])
    push(cdn, paths[0])


def test_paths_of_other_domains_are_refused(vod: LocalVod, cdn: CdnClient) -> None:
    with refused("InvalidDomain.NotFound", 404):
        push(cdn, "other.example/v.mp4")
    with refused("InvalidObjectPath.Malformed", 400):
        push(cdn, "just-words")
    with refused("MissingParameter", 400):
        push(cdn, "")
    with refused("InvalidObjectPath.Malformed", 400):
        refresh(cdn, f"{vod.endpoint}/folder", kind="Directory")


def test_tasks_by_status_need_a_type(vod: LocalVod, cdn: CdnClient) -> None:
    refresh(cdn, f"{vod.endpoint}/v/", kind="Directory")
    assert tasks(cdn, status="Complete", object_type="directory") != []
    assert tasks(cdn, status="Complete", object_type="preload") == []
    with refused("MissingParameter", 400):
        tasks(cdn, status="Complete")


def test_tasks_are_filtered_by_their_domain(vod: LocalVod, cdn: CdnClient) -> None:
    refresh(cdn, f"http://{vod.endpoint}/a.mp4", f"{vod.endpoint}/b.mp4")
    assert len(tasks(cdn, domain_name=vod.endpoint, object_type="file")) == 2
    assert tasks(cdn, domain_name="other.example", object_type="file") == []


def test_snapshot_urls_are_valid_for_at_least_an_hour(vod: LocalVod, client: Client) -> None:
    def snapshots(auth_timeout: int) -> int:
        request = models.ListSnapshotsRequest(
            video_id=video_id, snapshot_type="NormalSnapshot", auth_timeout=str(auth_timeout)
        )
        total: int = client.list_snapshots(request).body.media_snapshot.total
        return total

    video_id = vod.seed(snapshots=2)
    assert snapshots(3600) == 2
    with refused("InvalidParameter", 400):
        snapshots(3599)


def test_vod_has_its_own_cache_operations(vod: LocalVod, client: Client) -> None:
    url = play_url(client, vod.seed())
    request = models.PreloadVodObjectCachesRequest(object_path=url)
    assert client.preload_vod_object_caches(request).body.preload_task_id
    again = models.RefreshVodObjectCachesRequest(object_path=url, object_type="File")
    assert client.refresh_vod_object_caches(again).body.refresh_task_id
    many = "\n".join(f"{vod.url}/{number}.mp4" for number in range(500))
    with refused("QuotaExceeded.Preload", 400):
        client.preload_vod_object_caches(models.PreloadVodObjectCachesRequest(object_path=many))


def test_a_reset_restores_the_published_daily_limits(vod: LocalVod, cdn: CdnClient) -> None:
    vod.quotas(cdn_preload=2)
    paths = [f"{vod.endpoint}/{number}.mp4" for number in range(3)]
    with refused("QuotaExceeded.Preload", 400):
        push(cdn, *paths)
    push(cdn, *paths[:2])
    body = cdn.describe_refresh_quota(cdn_models.DescribeRefreshQuotaRequest()).body
    assert (body.preload_quota, body.preload_remain) == ("2", "0")
    vod.reset()
    body = cdn.describe_refresh_quota(cdn_models.DescribeRefreshQuotaRequest()).body
    assert (body.preload_quota, body.preload_remain) == ("1000", "1000")


def test_an_unknown_daily_limit_is_refused(vod: LocalVod) -> None:
    with pytest.raises(ValueError, match="must be one of cdn preload"):
        vod.quotas(cdn_everything=1)


@pytest.mark.parametrize("kind", ["File", "Directory", "Regex"])
def test_a_blocked_video_plays_until_it_is_purged(
    vod: LocalVod, client: Client, cdn: CdnClient, kind: str
) -> None:
    video_id = vod.seed()
    url = play_url(client, video_id)
    vod.audit_in_console(video_id, "Blocked", "violence")
    assert vod.get(url).status_code == 200
    path = {
        "File": url,
        "Directory": f"{vod.url}/{video_id}/",
        "Regex": f"{vod.url}/{video_id}/.*mp4",
    }[kind]
    refresh(cdn, path, kind=kind)
    assert vod.get(url).status_code == 403
    vod.audit_in_console(video_id, "Normal")
    assert vod.get(url).status_code == 200


@pytest.mark.parametrize("pattern", ["(", "a**", "^(([0-9a-f])+)+Z"])
def test_a_pattern_without_an_end_is_refused(vod: LocalVod, cdn: CdnClient, pattern: str) -> None:
    vod.seed()
    with refused("InvalidObjectPath.Malformed", 400):
        refresh(cdn, f"{vod.url}/{pattern}", kind="Regex")
    assert vod.ledger()[-1]["effect"] == {}


@pytest.fixture(scope="module", params=["", AUTH_KEY], ids=["open", "signed"])
def reviewed_vod(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalVod]:
    """A localvod whose reviewer is this machine; first with open, then with signed media."""
    state = tmp_path_factory.mktemp("reviewed")
    with LocalVod(state, cdn_auth_key=request.param, review_ips="127.0.0.1") as server:
        yield server


def addresses(client: Client, video_id: str) -> list[str]:
    """A URL of GetPlayInfo and a URL of ListSnapshots."""
    request = models.ListSnapshotsRequest(video_id=video_id, snapshot_type="NormalSnapshot")
    snapshots = client.list_snapshots(request).body.media_snapshot.snapshots.snapshot
    return [play_url(client, video_id), snapshots[0].url]


def test_a_purge_closes_all_urls_but_the_reviewers(reviewed_vod: LocalVod) -> None:
    vod, client = reviewed_vod, Client(sdk_config(reviewed_vod))
    video_id = vod.seed(snapshots=2)
    public = addresses(client, video_id)
    vod.audit_in_console(video_id, "Blocked", "violence")
    refresh(CdnClient(sdk_config(vod)), f"{vod.url}/{video_id}/", kind="Directory")
    granted = addresses(client, video_id)
    bare = [url.partition("?")[0] for url in granted]
    assert [vod.get(url).status_code for url in granted] == [200, 200]
    assert [vod.get(url).status_code for url in public] == [403, 403]
    assert [vod.get(sign(url, time.time())).status_code for url in bare] == [403, 403]
    client.delete_video(models.DeleteVideoRequest(video_ids=video_id))
    assert [vod.get(url).status_code for url in granted] == [403, 403]


def test_a_grant_is_for_one_file_and_cannot_be_forged(reviewed_vod: LocalVod) -> None:
    vod, client = reviewed_vod, Client(sdk_config(reviewed_vod))
    video_id = vod.seed(status="Blocked", snapshots=2)
    refresh(CdnClient(sdk_config(vod)), f"{vod.url}/{video_id}/", kind="Directory")
    play, snapshot = addresses(client, video_id)
    assert vod.get(play).status_code == 200
    borrowed = snapshot.partition("?")[0] + "?" + play.partition("?")[2]
    assert vod.get(borrowed).status_code == 403
    path = "/" + play.partition("?")[0].partition("//")[2].partition("/")[2]
    prefix = f"{int(time.time())}-0-reviewer"
    digest = hashlib.md5(f"{path}-{prefix}-{AUTH_KEY}".encode()).hexdigest()
    made_up = f"{play.partition('?')[0]}?auth_key={prefix}-{digest}"
    assert vod.get(made_up).status_code == 403


def test_a_purge_does_not_return_after_publishing(
    vod: LocalVod, client: Client, cdn: CdnClient
) -> None:
    video_id = vod.seed()
    url = play_url(client, video_id)
    vod.audit_in_console(video_id, "Blocked", "violence")
    refresh(cdn, url)
    vod.audit_in_console(video_id, "Normal")
    vod.audit_in_console(video_id, "Blocked", "violence")
    assert vod.get(url).status_code == 200


def test_a_published_video_plays_after_a_refresh(
    vod: LocalVod, client: Client, cdn: CdnClient
) -> None:
    url = play_url(client, vod.seed())
    refresh(cdn, url)
    assert vod.get(url).status_code == 200


def test_a_deleted_video_plays_until_it_is_purged(
    vod: LocalVod, client: Client, cdn: CdnClient
) -> None:
    video_id = vod.seed()
    url = play_url(client, video_id)
    client.delete_video(models.DeleteVideoRequest(video_ids=video_id))
    assert vod.get(url).status_code == 200
    refresh(cdn, url)
    assert vod.get(url).status_code == 403


def test_an_unknown_file_is_not_found(vod: LocalVod) -> None:
    assert vod.get(f"{vod.url}/nobody/clip.mp4").status_code == 404


@pytest.mark.parametrize("climb", ["../../localvod.sqlite3", "%2e%2e/%2e%2e/localvod.sqlite3"])
def test_nothing_outside_the_media_folder_is_served(
    vod: LocalVod, client: Client, climb: str
) -> None:
    video_id = vod.seed()
    vod.put_file(f"{video_id}/folder.txt", b"so that the folder exists")
    with socket.create_connection(
        ("127.0.0.1", vod.port)
    ) as connection:  # an HTTP client would shorten the path
        request = f"GET /{video_id}/{climb} HTTP/1.1\r\nHost: {vod.endpoint}\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 404")


def test_files_are_served_in_ranges(vod: LocalVod) -> None:
    url = vod.put_file("avatars/7.png", b"0123456789")
    answer = vod.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-range"] == "bytes 2-4/10"
    for header, content in (("bytes=-3", b"789"), ("bytes=8-", b"89"), ("bytes=9-99", b"9")):
        assert vod.get(url, headers={"Range": header}).content == content
    assert vod.get(url, headers={"Range": "bytes=10-"}).status_code == 416


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=4-2", "bytes=0-1,x", "lines=0-1", "0-1"],
)
def test_a_bad_range_is_ignored(vod: LocalVod, header: str) -> None:
    url = vod.put_file("avatars/7.png", b"0123456789")
    answer = vod.get(url, headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_only_signed_urls_open_when_a_key_is_set(signing_vod: LocalVod) -> None:
    client = Client(sdk_config(signing_vod))
    url = play_url(client, signing_vod.seed())
    bare = url.partition("?")[0]
    now = time.time()
    assert signing_vod.get(url).status_code == 200
    assert signing_vod.get(sign(bare, now)).status_code == 200
    assert signing_vod.get(bare).status_code == 403
    assert signing_vod.get(sign(bare, now, key="guess")).status_code == 403
    assert signing_vod.get(sign(bare, now - 1900)).status_code == 403
    other = sign(bare, now).replace("-ld", "-sd")
    assert signing_vod.get(other).status_code == 403
