"""The state outlives the process, also after a kill; interrupted jobs are done again."""

from pathlib import Path

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod.uploader import Uploader
from tests.localvod.conftest import sdk_config
from tests.localvod.media import make_clip
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod, wait_until
from tests.support.receiver import Receiver


def status(vod: LocalVod, video_id: str) -> str:
    found: str = vod.state(video_id)["video"]["status"]
    return found


def test_a_killed_server_keeps_all_that_it_accepted(tmp_path: Path) -> None:
    with LocalVod(tmp_path) as vod:
        client = Client(sdk_config(vod))
        video_id = vod.seed(status="Checking")
        vod.catalogue(50)
        vod.audit_in_console(video_id, "Blocked", "violence")
        client.submit_transcode_jobs(
            models.SubmitTranscodeJobsRequest(
                video_id=vod.seed(),
                template_group_id="narrowband-template-group",
                session_id="once",
            )
        )
        vod.faults({"operation": "DeleteVideo", "kind": "error"})
        port = vod.port
        vod.kill()
        vod.start()
        assert vod.port == port
        assert status(vod, video_id) == "Blocked"
        body = client.search_media(models.SearchMediaRequest()).body
        assert body.total == 52
        assert len(vod.ledger("SubmitTranscodeJobs")) == 1
        assert vod.control("GET", "faults")["rules"][0]["operation"] == "DeleteVideo"


def test_the_next_process_does_the_interrupted_jobs(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", size="360x640", seconds=3)
    with LocalVod(tmp_path / "state") as vod:
        with Uploader(vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as uploader:
            video_id = uploader.upload(clip, title="clip")
        wait_until(lambda: vod.state(video_id)["transcode_jobs"])
        vod.kill()
        vod.start()
        vod.idle()
        assert status(vod, video_id) == "Checking"
        jobs = vod.state(video_id)["transcode_jobs"]
        assert {job["status"] for job in jobs} == {"TranscodeSuccess"}
        assert len(jobs) == 2
        leftovers = [path for path in (tmp_path / "state").rglob(".*") if path.is_file()]
        assert leftovers == []


def test_the_next_process_sends_the_waiting_events(tmp_path: Path) -> None:
    with (
        Receiver(answer=lambda _: 500) as receiver,
        LocalVod(tmp_path, callback_url=receiver.url) as vod,
    ):
        video_id = vod.seed(announce=True)
        wait_until(lambda: len(receiver.received) == 1)
        vod.kill()
        receiver.answer = lambda _: 200
        vod.start()
        vod.idle()
        assert vod.events(video_id)[0]["state"] == "delivered"


def test_changed_settings_replace_values_set_by_an_operation(tmp_path: Path) -> None:
    with LocalVod(tmp_path, callback_url="http://127.0.0.1:9/first") as vod:
        client = Client(sdk_config(vod))

        def callback_url() -> str:
            request = models.GetMessageCallbackRequest()
            url: str = client.get_message_callback(request).body.message_callback.callback_url
            return url

        request = models.SetMessageCallbackRequest(
            callback_type="HTTP", callback_url="http://127.0.0.1:9/set", event_type_list="ALL"
        )
        client.set_message_callback(request)
        vod.stop()
        vod.start()
        assert callback_url() == "http://127.0.0.1:9/set"
        vod.stop()
        vod.settings["callback_url"] = "http://127.0.0.1:9/second"
        vod.start()
        assert callback_url() == "http://127.0.0.1:9/second"


def test_sigterm_ends_the_server_and_its_child_processes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", size="360x640", seconds=3)
    with LocalVod(tmp_path / "state") as vod:
        with Uploader(vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as uploader:
            video_id = uploader.upload(clip, title="clip")
        wait_until(lambda: vod.state(video_id)["transcode_jobs"])
        pid = vod.pid
        assert vod.stop() == 0
    assert not any(str(pid) == parent_of(path) for path in Path("/proc").glob("[0-9]*"))


def parent_of(process: Path) -> str:
    """The id of a process's parent; '' if the process has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return ""
