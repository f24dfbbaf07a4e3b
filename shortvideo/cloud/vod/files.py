"""A video's files: upload, source, streams, snapshots."""

from collections.abc import Sequence

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.gateway import Gateway
from shortvideo.cloud.reply import Reply
from shortvideo.cloud.types import (
    MediaPath,
    Mezzanine,
    StreamFile,
    UploadTicket,
    UserData,
)
from shortvideo.cloud.urls import host_and_path, is_on_cdn
from shortvideo.cloud.vod.limits import check_text
from shortvideo.cloud.vod.parsing import parse_media_path, parse_stream


class Files(Gateway):
    def create_upload(
        self,
        *,
        title: str,
        file_name: str,
        file_size: int | None = None,
        description: str = "",
        tags: Sequence[str] = (),
        cate_id: int | None = None,
        cover_url: str = "",
        template_group_id: str = "",
        user_data: UserData | None = None,
    ) -> UploadTicket:
        """Create a video to upload, a new one in each call. `file_name` needs an extension."""
        check_text(title=title, description=description, tags=tags)
        reply = self._call_once(
            Client.create_upload_video_with_options,
            models.CreateUploadVideoRequest(
                title=title,
                file_name=file_name,
                file_size=file_size,
                description=description or None,
                tags=",".join(tags) or None,
                cate_id=cate_id,
                cover_url=cover_url or None,
                template_group_id=template_group_id or None,
                user_data=user_data.to_json() if user_data else None,
            ),
        )
        return _parse_ticket(reply)

    def refresh_upload(self, vod_id: str) -> UploadTicket:
        """Return a new ticket, to continue after the old one expired or to replace the source."""
        reply = self._call_with_retries(
            Client.refresh_upload_video_with_options,
            models.RefreshUploadVideoRequest(video_id=vod_id),
        )
        return _parse_ticket(reply)

    def play_files(self, vod_id: str) -> tuple[StreamFile, ...]:
        """Return the playable files.

        Raises CloudRejected: with the code Forbidden.IllegalStatus if VOD does not let the video
        play, with InvalidVideo.NoneStream if it has no streams.
        """
        files = (parse_stream(stream) for stream in self._streams(vod_id))
        return tuple(file for file in files if file.path)

    def play_urls(self, vod_id: str) -> tuple[tuple[StreamFile, str], ...]:
        """Return the playable files on our play domains with VOD's own URLs, which are secret.

        Raises CloudRejected as `play_files` does.
        """
        found = [(parse_stream(stream), stream.text("PlayURL")) for stream in self._streams(vod_id)]
        return tuple((file, url) for file, url in found if is_on_cdn(file.path))

    def _streams(self, vod_id: str) -> list[Reply]:
        reply = self._call_with_retries(
            Client.get_play_info_with_options,
            models.GetPlayInfoRequest(video_id=vod_id, result_type="Multiple"),
        )
        return list(reply.children("PlayInfoList", wrapped="PlayInfo"))

    def picture_urls(self, vod_id: str) -> dict[MediaPath, str]:
        """Return VOD's URLs of the cover and the snapshots, by path; each is secret for an hour."""
        urls: dict[MediaPath, str] = {}
        for kind in ("CoverSnapshot", "NormalSnapshot"):
            reply = self._call_with_retries(
                Client.list_snapshots_with_options,
                models.ListSnapshotsRequest(video_id=vod_id, snapshot_type=kind, page_size=100),
            )
            found = reply.child("MediaSnapshot").children("Snapshots", wrapped="Snapshot")
            listed = [snapshot.text("Url") for snapshot in found]
            urls |= {host_and_path(url): url for url in listed if is_on_cdn(host_and_path(url))}
        return urls

    def mezzanine(self, vod_id: str) -> Mezzanine:
        """Return the uploaded source."""
        reply = self._call_with_retries(
            Client.get_mezzanine_info_with_options,
            models.GetMezzanineInfoRequest(video_id=vod_id),
        )
        source = reply.child("Mezzanine")
        return Mezzanine(
            path=parse_media_path(source, "FileURL"),
            file_name=source.text("FileName"),
            status=source.text("Status"),
            width=source.whole("Width"),
            height=source.whole("Height"),
            bitrate=source.number("Bitrate"),
            fps=source.number("Fps"),
            size=source.whole("Size"),
            duration=source.number("Duration"),
            creation_time=source.moment("CreationTime"),
        )


def _parse_ticket(reply: Reply) -> UploadTicket:
    return UploadTicket(
        vod_id=reply.required("VideoId"),
        upload_address=reply.required("UploadAddress"),
        upload_auth=reply.required("UploadAuth"),
    )
