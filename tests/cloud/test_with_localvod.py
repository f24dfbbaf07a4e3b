"""Every operation of the gateways against localvod, as the applications use them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from shortvideo.cloud import cdn_gateway, vod_gateway
from shortvideo.cloud.cdn import CdnGateway
from shortvideo.cloud.client import CloudSettings, Service
from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.cloud.events import parse_event
from shortvideo.cloud.types import (
    Audit,
    AuditStatus,
    CallbackSettings,
    MachineJobStatus,
    MediaPath,
    Suggestion,
    TaskStatus,
    Trigger,
    Uploader,
    UserData,
)
from shortvideo.cloud.urls import media_url
from shortvideo.cloud.vod import VodGateway
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod
from tests.videos.vod_snapshots import take_snapshots

STANDARD, NARROWBAND = "standard-template-group", "narrowband-template-group"
MING = Uploader("u1", "阿明", "http://media.example.com/u1.png")
EXTEND = {"userId": "u1", "userName": "阿明", "avatarUrl": "http://media.example.com/u1.png"}


@pytest.fixture
def local(localvod_server: LocalVod) -> LocalVod:
    localvod_server.reset()
    return localvod_server


@pytest.fixture
def cloud_settings(local: LocalVod) -> CloudSettings:
    return CloudSettings(
        access_key_id=ACCESS_KEY_ID,
        access_key_secret=ACCESS_KEY_SECRET,
        vod_endpoint=local.endpoint,
        vod_protocol="http",
        cdn_endpoint=local.endpoint,
        cdn_protocol="http",
    )


def test_the_factories_use_the_configured_endpoints(local: LocalVod, settings: Settings) -> None:
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = local.endpoint
    settings.VOD_PROTOCOL = settings.CDN_PROTOCOL = "http"
    settings.ALIBABA_CLOUD_ACCESS_KEY_ID = ACCESS_KEY_ID
    settings.ALIBABA_CLOUD_ACCESS_KEY_SECRET = ACCESS_KEY_SECRET
    assert vod_gateway().search().total == 0
    assert cdn_gateway().quota().prefetch_remaining > 0
    assert vod_gateway() is vod_gateway()


def test_a_wrong_secret_is_a_fault_of_the_account(cloud_settings: CloudSettings) -> None:
    settings = CloudSettings(
        access_key_id=ACCESS_KEY_ID,
        access_key_secret="wrong-secret",
        vod_endpoint=cloud_settings.vod_endpoint,
        vod_protocol="http",
    )
    with pytest.raises(CloudUnavailable, match="SignatureDoesNotMatch") as caught:
        VodGateway(Service.vod(settings)).search()
    assert "wrong-secret" not in str(caught.value)


def test_a_walk_by_token_sees_every_video_once(vod: VodGateway, local: LocalVod) -> None:
    local.catalogue(250)
    seen: list[str] = []
    token, page_no = "", 1
    while True:
        page = vod.search(page_no=page_no, scroll_token=token)
        assert page.total == 250
        seen += [facts.vod_id for facts in page.videos]
        if len(page.videos) < 100:
            break
        token, page_no = page.scroll_token, page_no + 1
    assert len(seen) == len(set(seen)) == 250


def test_a_window_includes_its_start_and_not_its_end(vod: VodGateway, local: LocalVod) -> None:
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    moments = [start + timedelta(seconds=seconds) for seconds in (-1, 0, 59, 60)]
    ids = [local.seed(creation_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}") for moment in moments]
    page = vod.search(created_from=start, created_before=start + timedelta(seconds=60))
    assert [facts.vod_id for facts in page.videos] == ids[1:3]
    assert page.videos[0].creation_time == start


def test_a_search_filters_by_status(vod: VodGateway, local: LocalVod) -> None:
    local.seed(status="Normal")
    checking = local.seed(status="Checking")
    page = vod.search(statuses=["Checking"], newest_first=True)
    assert [facts.vod_id for facts in page.videos] == [checking]


def test_single_and_batch_readings_are_equal(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(title="海边 & sea", uploader=EXTEND, tags="a,b", size=77, duration=7.25)
    one = vod.get_info(vod_id)
    found = vod.get_infos([vod_id, "0" * 32])
    [several] = found.videos
    assert found.missing_ids == ("0" * 32,)
    assert (one.title, one.tags, one.size, one.duration) == ("海边 & sea", "a,b", 77, 7.25)
    for name in ("title", "tags", "size", "duration", "status", "cover", "user_data", "snapshots"):
        assert getattr(one, name) == getattr(several, name)
    assert one.user_data
    assert one.user_data.uploader == MING
    assert len(one.snapshots or ()) == 8
    [searched] = vod.search().videos
    assert (searched.title, searched.cover, searched.snapshots) == (
        one.title,
        one.cover,
        one.snapshots,
    )


def test_an_unknown_video_is_not_found(vod: VodGateway, local: LocalVod) -> None:
    with pytest.raises(CloudRejected) as caught:
        vod.get_info("0" * 32)
    assert caught.value.is_not_found
    assert caught.value.request_id
    assert vod.get_infos(["0" * 32]).missing_ids == ("0" * 32,)


def test_files_and_source_are_read(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(files=True)
    files = vod.play_files(vod_id)
    assert {file.is_narrowband for file in files} == {False}
    assert all(file.path.startswith(local.endpoint) and file.height for file in files)
    assert vod.mezzanine(vod_id).size == 1_500_000


def test_all_pictures_of_the_latest_job_are_listed(
    vod: VodGateway, local: LocalVod, settings: Settings
) -> None:
    settings.CDN_DOMAINS = [local.endpoint]
    vod_id = local.seed(cover=True, snapshots=2)
    assert len(vod.picture_urls(vod_id)) == 3
    earlier = take_snapshots(local, vod_id)
    latest = take_snapshots(local, vod_id, count=101)
    listed = vod.picture_urls(vod_id)
    assert len(listed) == 1 + 101
    assert set(latest.paths) < set(listed)
    assert not set(earlier.paths) & set(listed)


def test_vod_lists_no_pictures_of_an_upload_that_runs(vod: VodGateway, local: LocalVod) -> None:
    with pytest.raises(CloudRejected) as caught:
        vod.picture_urls(local.seed(status="Uploading"))
    assert caught.value.code == "Forbidden.IllegalStatus"


def test_vods_own_urls_are_valid_as_long_as_is_asked(vod: VodGateway, local: LocalVod) -> None:
    vod.add_security_ips(["127.0.0.1"], group="Default")
    vod_id = local.seed(status="Checking", files=True)
    ends = []
    for ttl_seconds in (600, 1200):
        [file, *_] = vod.play_files(vod_id, url_ttl_seconds=ttl_seconds)
        ends.append(int(file.url.partition("auth_key=")[2].partition("-")[0]))
        assert local.get(file.url).status_code == 200
    assert 600 <= ends[1] - ends[0] <= 602


def test_a_pending_video_plays_for_review_addresses_only(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(status="Checking", files=True)
    with pytest.raises(CloudRejected) as caught:
        vod.play_files(vod_id)
    assert caught.value.code == "Forbidden.IllegalStatus"
    vod.add_security_ips(["127.0.0.1"], group="Default")
    assert vod.security_ips() == {"Default": ("127.0.0.1",)}
    assert vod.play_files(vod_id)


def test_a_decision_is_stored_in_vod(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(status="Checking")
    vod.create_audit([Audit(vod_id, AuditStatus.BLOCKED, reason="暴力", comment="seen #7")])
    assert local.audits() == [(vod_id, "Blocked", "暴力")]
    [entry] = vod.audit_history(vod_id)
    assert (entry.status, entry.reason, entry.comment) == ("Blocked", "暴力", "seen #7")
    assert vod.get_info(vod_id).audit_status == AuditStatus.BLOCKED


def test_a_hundred_decisions_are_sent_in_one_call(vod: VodGateway, local: LocalVod) -> None:
    ids = local.seed_many([{"status": "Checking"} for _ in range(100)])
    vod.create_audit(
        [Audit(vod_id, AuditStatus.BLOCKED, reason="x" * 128, comment="#1234") for vod_id in ids]
    )
    assert [vod_id for vod_id, _, _ in local.audits()] == ids
    assert len(local.ledger("CreateAudit")) == 1


def test_texts_too_long_for_one_url_are_delivered(vod: VodGateway, local: LocalVod) -> None:
    ids = local.seed_many([{"status": "Checking"} for _ in range(100)])
    vod.create_audit(
        [Audit(vod_id, AuditStatus.BLOCKED, reason="暴" * 42, comment="证" * 170) for vod_id in ids]
    )
    assert [vod_id for vod_id, _, _ in local.audits()] == ids


def test_very_long_paths_are_prefetched(cdn: CdnGateway, local: LocalVod) -> None:
    name = "x" * 900
    paths = [MediaPath(f"{local.endpoint}/{number}/{name}.mp4") for number in range(100)]
    task_ids = cdn.prefetch(paths)
    tasks = [task for task_id in dict.fromkeys(task_ids) for task in cdn.tasks(task_id)]
    assert {task.path for task in tasks} == set(paths)


def test_a_transcode_is_accepted_once_for_a_session(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed()
    user_data = UserData.of(MING)
    submitted = vod.submit_transcode(vod_id, NARROWBAND, session_id="d-1", user_data=user_data)
    with pytest.raises(CloudRejected) as caught:
        vod.submit_transcode(vod_id, NARROWBAND, session_id="d-1", user_data=user_data)
    assert caught.value.is_duplicate_session
    local.idle()
    task = vod.transcode_task(submitted.task_id)
    assert (task.vod_id, task.trigger, task.template_group_id) == (
        vod_id,
        Trigger.MANUAL,
        NARROWBAND,
    )
    assert task.status == TaskStatus.ALL_SUCCEEDED
    assert {job.job_id for job in task.jobs} == set(submitted.job_ids)
    assert all(job.output and job.output.is_narrowband for job in task.jobs)
    assert task.task_id in {listed.task_id for listed in vod.transcode_tasks(vod_id)}
    found = vod.transcode_jobs([*submitted.job_ids, "0" * 32])
    assert {job.job_id for job in found.jobs} == set(submitted.job_ids)
    assert found.missing_ids == ("0" * 32,)


def test_an_answer_lost_after_a_transcode_leaves_one_task(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed()
    rule = {"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True, "times": 1}
    local.faults(rule)
    with pytest.raises(CloudUnavailable):
        vod.submit_transcode(vod_id, STANDARD, session_id="d-2")
    with pytest.raises(CloudRejected) as caught:
        vod.submit_transcode(vod_id, STANDARD, session_id="d-2")
    assert caught.value.is_duplicate_session
    manual = [task for task in vod.transcode_tasks(vod_id) if task.trigger == Trigger.MANUAL]
    assert len(manual) == 1


def test_failed_jobs_have_an_error_code(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(fail_jobs="standard")
    submitted = vod.submit_transcode(vod_id, STANDARD, session_id="d-3")
    local.idle()
    task = vod.transcode_task(submitted.task_id)
    assert task.status == TaskStatus.ALL_FAILED
    assert all(job.error_code and job.output is None for job in task.jobs)


def test_a_machine_verdict_is_fetched(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(verdict="block", status="Checking")
    local.idle()
    result = vod.machine_result(vod_id)
    assert result
    assert result.suggestion == Suggestion.BLOCK
    assert result.hits
    assert all(0 < hit.score <= 100 for hit in result.hits)


def test_a_machine_review_is_submitted_and_read(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed(title="[pass] fine", status="Checking")
    assert vod.machine_result(vod_id) is None
    job_id = vod.submit_machine_review(vod_id)
    local.idle()
    job = vod.machine_job(job_id)
    assert (job.vod_id, job.status) == (vod_id, MachineJobStatus.SUCCEEDED)
    assert job.result
    assert job.result.suggestion == Suggestion.PASS


def test_a_deletion_names_missing_videos(vod: VodGateway, local: LocalVod) -> None:
    vod_id = local.seed()
    assert vod.delete([vod_id, "0" * 32]).missing_ids == ("0" * 32,)
    assert vod.delete([vod_id]).missing_ids == (vod_id,)
    assert vod.search().total == 0


def test_an_upload_is_opened_refreshed_and_described(vod: VodGateway, local: LocalVod) -> None:
    ticket = vod.create_upload(
        title="A clip", file_name="clip.mp4", tags=["sea"], user_data=UserData.of(MING)
    )
    assert vod.refresh_upload(ticket.vod_id).vod_id == ticket.vod_id
    vod.update_info(ticket.vod_id, title="New title", tags=["sea", "sun"])
    facts = vod.get_info(ticket.vod_id)
    assert (facts.title, facts.tags, facts.status) == ("New title", "sea,sun", "Uploading")
    assert facts.user_data
    assert facts.user_data.uploader == MING


def test_the_callback_is_configured_and_read_back(vod: VodGateway, local: LocalVod) -> None:
    wanted = CallbackSettings(url="http://127.0.0.1:9/cb", auth_key="Key1")
    vod.set_callback(wanted)
    assert vod.get_callback() == wanted


def test_events_of_localvod_are_parsed(vod: VodGateway, local: LocalVod) -> None:
    vod.set_callback(CallbackSettings(url="http://127.0.0.1:9/cb", auth_key="Key1"))
    vod_id = local.seed(uploader=EXTEND, announce=True, verdict="review", status="Checking")
    submitted = vod.submit_transcode(
        vod_id, STANDARD, session_id="d-9", user_data=UserData.of(MING)
    )
    vod.create_audit([Audit(vod_id, AuditStatus.NORMAL)])
    local.idle()
    bodies: list[Any] = [entry["body"] for entry in local.events(vod_id)]
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    events = {event.type: event for event in (parse_event(text.encode()) for text in texts)}
    assert {"FileUploadComplete", "TranscodeComplete", "CreateAuditComplete"} <= set(events)
    assert {event.media_id for event in events.values()} == {vod_id}
    assert all(event.event_time for event in events.values())
    uploaded, transcoded = events["FileUploadComplete"], events["TranscodeComplete"]
    assert uploaded.user_data
    assert uploaded.user_data.uploader == MING
    assert set(transcoded.job_ids) == set(submitted.job_ids)
    assert isinstance(events["AIMediaAuditComplete"].body["Data"], dict)


def test_files_are_prefetched_and_purged(cdn: CdnGateway, local: LocalVod) -> None:
    path = MediaPath(f"{local.endpoint}/{local.seed()}/clip.mp4")
    before = cdn.quota()
    [pushed], [purged] = cdn.prefetch([path]), cdn.purge([path])
    after = cdn.quota()
    assert after.prefetch_remaining == before.prefetch_remaining - 1
    assert after.purge_remaining == before.purge_remaining - 1
    [task] = cdn.tasks(pushed)
    assert (task.path, task.kind) == (path, "preload")
    assert [found.path for found in cdn.tasks(purged)] == [path]


@pytest.fixture
def signing_cdn(tmp_path: Path) -> Iterator[LocalVod]:
    with LocalVod(tmp_path, cdn_auth_key="AuthKey1", cdn_auth_ttl="1800") as server:
        yield server


def test_the_cdn_accepts_our_signature_and_no_other(
    signing_cdn: LocalVod, settings: Settings
) -> None:
    settings.CDN_DOMAINS = [signing_cdn.endpoint]
    settings.MEDIA_URL_SCHEME = "http"
    settings.MEDIA_URL_AUTH_KEY = "AuthKey1"
    settings.MEDIA_URL_AUTH_VALIDITY = 1800
    vod_id = signing_cdn.seed(id="a" * 32)
    path = MediaPath(f"{signing_cdn.endpoint}/{vod_id}/snapshots/海边 1.jpg")
    now = datetime.now(UTC)
    url = media_url(path, ttl_seconds=600, now=now)
    assert signing_cdn.get(url).status_code == 200
    assert signing_cdn.get(url.partition("?")[0]).status_code == 403
    assert signing_cdn.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    ended = media_url(path, ttl_seconds=600, now=now - timedelta(seconds=700))
    assert signing_cdn.get(ended).status_code == 403
