"""VOD in our own terms: no SDK type and no SDK error leaves this package.

Every method waits for the cloud, at most for the gateway's deadline, and raises CloudUnavailable
where trying again may help and CloudRejected where it cannot. ValueError means that the caller
broke a documented limit and that nothing was sent.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from shortvideo.cloud.types import (
    Audit,
    AuditEntry,
    CallbackSettings,
    Category,
    Deleted,
    Found,
    FoundJobs,
    Hit,
    MachineJob,
    MachineResult,
    MediaFacts,
    MediaPath,
    Mezzanine,
    SearchPage,
    SnapshotType,
    StreamFile,
    SubmittedTranscode,
    TranscodeTask,
    UploadTicket,
    UserData,
)


class VodGateway:
    def with_deadline(self, seconds: float) -> Self:
        """Return this gateway with another total time for each call, retries included."""
        raise NotImplementedError

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
        scroll_token: str | None = None,
    ) -> SearchPage: ...

    def get_info(self, vod_id: str) -> MediaFacts: ...
    def get_infos(self, vod_ids: Sequence[str]) -> Found: ...  # at most 20
    def play_files(self, vod_id: str) -> tuple[StreamFile, ...]: ...
    def mezzanine(self, vod_id: str) -> Mezzanine: ...
    def snapshots(
        self, vod_id: str, kind: SnapshotType = SnapshotType.COVER
    ) -> tuple[MediaPath, ...]: ...
    def delete(self, vod_ids: Sequence[str]) -> Deleted: ...  # at most 20
    def categories(self, parent_id: int = -1) -> tuple[Category, ...]: ...
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
    ) -> None: ...
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
    ) -> UploadTicket: ...
    def refresh_upload(self, vod_id: str) -> UploadTicket: ...

    def submit_transcode(
        self,
        vod_id: str,
        template_group_id: str,
        *,
        session_id: str,
        user_data: UserData | None = None,
    ) -> SubmittedTranscode: ...
    def transcode_task(self, task_id: str) -> TranscodeTask: ...
    def transcode_jobs(self, job_ids: Sequence[str]) -> FoundJobs: ...  # at most 10
    def transcode_tasks(
        self, vod_id: str, *, since: datetime | None = None
    ) -> tuple[TranscodeTask, ...]: ...  # newest first, without jobs
    def submit_snapshots(
        self, vod_id: str, *, count: int, user_data: UserData | None = None
    ) -> str: ...  # the job's id

    def create_audit(self, audits: Sequence[Audit]) -> None: ...  # at most 100
    def audit_history(self, vod_id: str) -> tuple[AuditEntry, ...]: ...  # newest first
    def submit_machine_review(
        self, vod_id: str, *, user_data: UserData | None = None
    ) -> str: ...  # the job's id
    def machine_result(self, vod_id: str) -> MachineResult | None: ...  # None: no verdict yet
    def machine_job(self, job_id: str) -> MachineJob: ...
    def machine_timeline(self, vod_id: str) -> tuple[Hit, ...]: ...

    def set_callback(self, settings: CallbackSettings) -> None: ...
    def get_callback(self) -> CallbackSettings: ...
    def set_security_ip(self, addresses: Sequence[str], *, group: str = "Default") -> None: ...
    def list_security_ip(self, *, group: str = "Default") -> tuple[str, ...]: ...
