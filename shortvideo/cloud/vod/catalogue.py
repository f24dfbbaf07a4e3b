"""Which videos there are, what they are called, and their deletion."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.errors import CloudRejected
from shortvideo.cloud.gateway import Gateway, at_most, wire_time
from shortvideo.cloud.types import Category, Deleted, Found, MediaFacts, SearchPage, UserData
from shortvideo.cloud.vod.limits import check_text
from shortvideo.cloud.vod.parsing import info_facts, readable, row_id, search_facts

SEARCH_FIELDS = (
    "Title,Description,Tags,CateId,CateName,CoverURL,Status,Size,Duration,CreationTime,"
    "ModificationTime,Snapshots,StorageLocation"
)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
CATEGORY_PAGE_SIZE = 100


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
        """Return one page of the videos that match; times are whole seconds, the first included.

        By page number VOD reaches 5,000 rows. Beyond, walk: ask for page 1 without a token, then
        for each next page with the token of the page before. A token that expired is CloudRejected
        with the code InvalidScrollToken.Expired: start again at page 1.
        """
        conditions = [
            _window("CreationTime", created_from, created_before),
            _window("ModificationTime", modified_from, modified_before),
            _one_of("Status", statuses),
        ]
        reply = self._repeatable(
            Client.search_media_with_options,
            models.SearchMediaRequest(
                search_type="video",
                fields=SEARCH_FIELDS,
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
        videos, unreadable_ids = readable(rows, search_facts)
        return SearchPage(
            total=reply.whole("Total"),
            videos=videos,
            unreadable_ids=unreadable_ids,
            scroll_token=reply.text("ScrollToken"),
        )

    def get_info(self, vod_id: str) -> MediaFacts:
        """Return all that VOD says about one video, the final review's result included.

        A video that VOD does not have is CloudRejected with `is_not_found`.
        """
        reply = self._repeatable(
            Client.get_video_info_with_options, models.GetVideoInfoRequest(video_id=vod_id)
        )
        facts = info_facts(reply.child("Video"), has_audit_status=True)
        return facts if facts.vod_id == vod_id else reply.unexpected("it is of another video")

    def get_infos(self, vod_ids: Sequence[str]) -> Found:
        """Return up to 20 videos, with the ids that VOD does not have; without audit_status.

        Where VOD refuses several as not found, each half is asked for again: whether it means all
        of them or one is not documented. A row that cannot be read is in `unreadable_ids`.
        """
        at_most(20, vod_ids, "video ids")
        request = models.GetVideoInfosRequest(video_ids=",".join(vod_ids))
        try:
            reply = self._repeatable(Client.get_video_infos_with_options, request)
        except CloudRejected as error:
            if not error.is_not_found:
                raise
            if len(vod_ids) == 1:
                return Found(videos=(), missing_ids=tuple(vod_ids))
            middle = len(vod_ids) // 2
            return _merged(self.get_infos(vod_ids[:middle]), self.get_infos(vod_ids[middle:]))
        rows = [row for row in reply.children("VideoList") if row_id(row) in vod_ids]
        videos, unreadable_ids = readable(rows, info_facts)
        found = Found(
            videos=videos,
            missing_ids=reply.names("NonExistVideoIds"),
            unreadable_ids=frozenset(unreadable_ids) - {facts.vod_id for facts in videos},
        )
        if not (found.videos or found.missing_ids or found.unreadable_ids):
            reply.unexpected("it names no video")
        return found

    def delete(self, vod_ids: Sequence[str]) -> Deleted:
        """Delete up to 20 videos for good, all their files included; the CDN keeps its copies.

        A single video that VOD does not have is missing. Several of which VOD says so are
        CloudRejected, as some of them may be there: delete each by itself.
        """
        at_most(20, vod_ids, "video ids")
        request = models.DeleteVideoRequest(video_ids=",".join(vod_ids))
        try:
            reply = self._once(Client.delete_video_with_options, request)
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
        """Change what is given; None leaves a field as it is."""
        check_text(title=title, description=description, tags=tags)
        self._repeatable(
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

    def categories(self, parent_id: int = -1) -> tuple[Category, ...]:
        """Return the categories below one; -1 is the root."""
        found: list[Category] = []
        while True:
            reply = self._repeatable(
                Client.get_categories_with_options,
                models.GetCategoriesRequest(
                    cate_id=parent_id,
                    page_no=len(found) // CATEGORY_PAGE_SIZE + 1,
                    page_size=CATEGORY_PAGE_SIZE,
                ),
            )
            page = [
                Category(
                    cate_id=item.whole("CateId"),
                    name=item.text("CateName"),
                    level=item.whole("Level"),
                    parent_id=item.whole("ParentId"),
                )
                for item in reply.children("SubCategories", wrapped="Category")
            ]
            found += page
            if len(page) < CATEGORY_PAGE_SIZE:
                return tuple(found)


def _merged(one: Found, other: Found) -> Found:
    return Found(
        videos=one.videos + other.videos,
        missing_ids=one.missing_ids + other.missing_ids,
        unreadable_ids=one.unreadable_ids | other.unreadable_ids,
    )


def _window(field: str, start: datetime | None, end: datetime | None) -> str:
    """Return a range that includes its start and not its end; "" where neither is given."""
    if start is None and end is None:
        return ""
    return f"{field}=['{wire_time(start or EARLIEST)}','{wire_time(end or LATEST)}')"


def _one_of(field: str, values: Sequence[str]) -> str:
    if not values:
        return ""
    if any("'" in value for value in values):
        raise ValueError(f"A value of {field} holds a quotation mark.")
    quoted = ",".join(f"'{value}'" for value in values)
    return f"{field} in ({quoted})"
