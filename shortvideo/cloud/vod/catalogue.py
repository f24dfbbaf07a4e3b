"""Search, read, change and delete videos; list categories."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.errors import CloudRejected
from shortvideo.cloud.gateway import Gateway, check_count, format_time
from shortvideo.cloud.types import Deleted, Found, MediaFacts, SearchPage, UserData
from shortvideo.cloud.vod.limits import check_text
from shortvideo.cloud.vod.parsing import parse_rows, parse_search_item, parse_video, row_id

_SEARCH_FIELDS = (
    "Title,Description,Tags,CateId,CateName,CoverURL,Status,Size,Duration,CreationTime,"
    "ModificationTime,Snapshots,StorageLocation"
)
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


class Catalogue(Gateway):
    def search(
        self,
        *,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
        modified_from: datetime | None = None,
        modified_before: datetime | None = None,
        statuses: Sequence[str] = (),
        sort_by: Literal["CreationTime", "ModificationTime"] = "CreationTime",
        newest_first: bool = False,
        page_no: int = 1,
        page_size: int = 100,
        scroll_token: str = "",
    ) -> SearchPage:
        """Return one page of matching videos. Times are whole seconds, `from` included.

        VOD finds 5,000 rows by page number. To find more, read page 1 without a token, then each
        next page with the token of the page before. An expired token is CloudRejected with the
        code InvalidScrollToken.Expired: start again at page 1.
        """
        conditions = [
            _time_range("CreationTime", created_from, created_before),
            _time_range("ModificationTime", modified_from, modified_before),
            _one_of("Status", statuses),
        ]
        reply = self._call_with_retries(
            Client.search_media_with_options,
            models.SearchMediaRequest(
                search_type="video",
                fields=_SEARCH_FIELDS,
                match=" and ".join(filter(None, conditions)) or None,
                sort_by=f"{sort_by}:{'Desc' if newest_first else 'Asc'}",
                page_no=page_no,
                page_size=page_size,
                scroll_token=scroll_token or None,
            ),
        )
        if not reply.text("Total"):  # an empty catalogue says 0
            reply.unexpected("Total is missing")
        rows = reply.children("MediaList")
        videos, unreadable_ids = parse_rows(rows, parse_search_item)
        return SearchPage(
            total=reply.whole("Total"),
            videos=videos,
            unreadable_ids=unreadable_ids,
            scroll_token=reply.text("ScrollToken"),
        )

    def get_info(self, vod_id: str) -> MediaFacts:
        """Return VOD's facts about one video, the final decision included.

        Raises CloudRejected with `is_not_found` if VOD does not have the video.
        """
        reply = self._call_with_retries(
            Client.get_video_info_with_options, models.GetVideoInfoRequest(video_id=vod_id)
        )
        facts = parse_video(reply.child("Video"), has_audit_status=True)
        return facts if facts.vod_id == vod_id else reply.unexpected("it is about another video")

    def get_infos(self, vod_ids: Sequence[str]) -> Found:
        """Return up to 20 videos, without audit_status, and the ids that VOD does not have.

        If VOD refuses several ids as not found, ask for each half again: VOD does not document
        whether it means one of them or all.
        """
        check_count(20, vod_ids, "video ids")
        request = models.GetVideoInfosRequest(video_ids=",".join(vod_ids))
        try:
            reply = self._call_with_retries(Client.get_video_infos_with_options, request)
        except CloudRejected as error:
            if not error.is_not_found:
                raise
            if len(vod_ids) == 1:
                return Found(videos=(), missing_ids=tuple(vod_ids))
            middle = len(vod_ids) // 2
            return _merge(self.get_infos(vod_ids[:middle]), self.get_infos(vod_ids[middle:]))
        rows = [row for row in reply.children("VideoList") if row_id(row) in vod_ids]
        videos, unreadable_ids = parse_rows(rows, parse_video)
        found = Found(
            videos=videos,
            missing_ids=reply.names("NonExistVideoIds"),
            unreadable_ids=frozenset(unreadable_ids) - {facts.vod_id for facts in videos},
        )
        if not (found.videos or found.missing_ids or found.unreadable_ids):
            reply.unexpected("it names no video")
        return found

    def delete(self, vod_ids: Sequence[str]) -> Deleted:
        """Delete up to 20 videos with all their files. The CDN keeps its copies.

        If VOD refuses a single video as not found, its id is in `missing_ids`. If it refuses
        several, that is CloudRejected, as some of them may exist: delete them one by one.
        """
        check_count(20, vod_ids, "video ids")
        request = models.DeleteVideoRequest(video_ids=",".join(vod_ids))
        try:
            reply = self._call_once(Client.delete_video_with_options, request)
        except CloudRejected as error:
            if error.code == "InvalidVideo.NotFound" and len(vod_ids) == 1:
                return Deleted(missing_ids=tuple(vod_ids))
            raise
        return Deleted(
            missing_ids=reply.names("NonExistVideoIds"),
            forbidden_ids=reply.names("ForbiddenVideoIds"),
        )

    def update_info(
        self,
        vod_id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        cate_id: int | None = None,
        cover_url: str | None = None,
        user_data: UserData | None = None,
    ) -> None:
        """Change the given fields; None leaves a field unchanged."""
        check_text(title=title, description=description, tags=tags)
        self._call_with_retries(
            Client.update_video_info_with_options,
            models.UpdateVideoInfoRequest(
                video_id=vod_id,
                title=title,
                description=description,
                tags=None if tags is None else ",".join(tags),
                cate_id=cate_id,
                cover_url=cover_url,
                user_data=user_data.to_json() if user_data else None,
            ),
        )


def _merge(one: Found, other: Found) -> Found:
    return Found(
        videos=one.videos + other.videos,
        missing_ids=one.missing_ids + other.missing_ids,
        unreadable_ids=one.unreadable_ids | other.unreadable_ids,
    )


def _time_range(field: str, start: datetime | None, end: datetime | None) -> str:
    """Return a condition, start included, end excluded; "" if both are None."""
    if start is None and end is None:
        return ""
    return f"{field}=['{format_time(start or _EARLIEST)}','{format_time(end or _LATEST)}')"


def _one_of(field: str, values: Sequence[str]) -> str:
    if not values:
        return ""
    if any("'" in value for value in values):
        raise ValueError(f"A value of {field} holds a quotation mark.")
    quoted = ",".join(f"'{value}'" for value in values)
    return f"{field} in ({quoted})"
