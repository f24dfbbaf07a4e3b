"""A video's files: upload, source, streams, snapshots."""

from collections.abc import Iterator, Sequence
from typing import Final

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
from shortvideo.cloud.urls import host_and_path, is_on_cdn, is_picture
from shortvideo.cloud.vod.limits import check_text
from shortvideo.cloud.vod.parsing import parse_media_path, parse_stream

_SNAPSHOT_TYPES: Final = (
    "CoverSnapshot", "NormalSnapshot", "SpriteSnapshot", "SpriteOriginSnapshot", "WebVttSnapshot",
)  # fmt: skip
_PAGE_SIZE: Final = 100  # the most of ListSnapshots
_MAX_PAGES: Final = 10  # of one type


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

    def play_files(
        self, vod_id: str, *, url_ttl_seconds: int | None = None
    ) -> tuple[StreamFile, ...]:
        """Return the playable files. VOD's own URLs are valid for `url_ttl_seconds`.

        Raises CloudRejected: with the code Forbidden.IllegalStatus if VOD does not let the video
        play, with InvalidVideo.NoneStream if it has no streams.
        """
        reply = self._call_with_retries(
            Client.get_play_info_with_options,
            models.GetPlayInfoRequest(
                video_id=vod_id, result_type="Multiple", auth_timeout=url_ttl_seconds
            ),
        )
        streams = reply.children("PlayInfoList", wrapped="PlayInfo")
        files = (parse_stream(stream) for stream in streams)
        return tuple(file for file in files if file.path)

    def picture_urls(self, vod_id: str) -> dict[MediaPath, str]:
        """Return VOD's URLs of the pictures that it made, by path; each is secret for an hour.

        VOD lists the latest snapshot job of each type. Raises CloudRejected: with the code
        Forbidden.IllegalStatus while VOD lists no pictures of the video.
        """
        urls: dict[MediaPath, str] = {}
        for kind in _SNAPSHOT_TYPES:
            listed = list(self._list_snapshots(vod_id, kind))
            urls |= {host_and_path(url): url for url in listed if is_picture(host_and_path(url))}
        return {path: url for path, url in urls.items() if is_on_cdn(path)}

    def _list_snapshots(self, vod_id: str, kind: str) -> Iterator[str]:
        for page in range(1, _MAX_PAGES + 1):
            reply = self._call_with_retries(
                Client.list_snapshots_with_options,
                models.ListSnapshotsRequest(
                    video_id=vod_id, snapshot_type=kind, page_no=page, page_size=_PAGE_SIZE
                ),
            ).optional("MediaSnapshot")
            found = reply.children("Snapshots", wrapped="Snapshot") if reply is not None else ()
            yield from (snapshot.text("Url") for snapshot in found)
            if len(found) < _PAGE_SIZE:
                break

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
