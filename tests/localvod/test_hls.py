"""HLS streams of a tagged upload: playlist, segments, types, CORS, signatures and purge."""

from pathlib import Path

from alibabacloud_cdn20180510.client import Client as CdnClient
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from tests.localvod.conftest import sdk_config
from tests.localvod.media import make_clip
from tests.localvod.test_cdn import AUTH_KEY, refresh
from tests.localvod.test_uploads import upload
from tests.support.localvod import LocalVod


def test_a_tagged_upload_has_hls_streams_only(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", size="180x320", seconds=3)
    state = tmp_path / "state"
    with LocalVod(state, cdn_auth_key=AUTH_KEY, review_mode="after") as vod:
        video_id = upload(vod, clip, tags=["streams:hls"])
        vod.idle()
        client = Client(sdk_config(vod))
        request = models.GetPlayInfoRequest(video_id=video_id)
        streams = client.get_play_info(request).body.play_info_list.play_info
        assert {stream.format for stream in streams} == {"m3u8"}
        playlist = vod.get(streams[0].play_url)
        assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert vod.get(streams[0].play_url.partition("?")[0]).status_code == 403
        names = [line for line in playlist.text.splitlines() if line and line[0] != "#"]
        urls = [f"{vod.url}/{video_id}/{name}" for name in names]
        segments = [vod.get(url) for url in urls]  # type A does not sign what a playlist names
        assert [segment.headers["Content-Type"] for segment in segments] == ["video/mp2t"]
        assert {segment.headers["Access-Control-Allow-Origin"] for segment in segments} == {"*"}
        vod.audit_in_console(video_id, "Blocked", "violence")
        refresh(CdnClient(sdk_config(vod)), urls[0])
        assert [vod.get(url).status_code for url in urls] == [403]
