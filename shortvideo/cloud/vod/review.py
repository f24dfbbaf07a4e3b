"""Review: decisions, machine reviews, and who may play unpublished videos."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.cleaning import clean
from shortvideo.cloud.errors import CloudRejected
from shortvideo.cloud.gateway import Gateway, check_count, split_for_query
from shortvideo.cloud.reply import Reply
from shortvideo.cloud.types import (
    Audit,
    AuditEntry,
    Hit,
    MachineJob,
    MachineResult,
    MediaPath,
    UserData,
)
from shortvideo.cloud.urls import host_and_path, is_of_vod
from shortvideo.cloud.vod.parsing import parse_media_path

_VIDEO_MODULES = {
    "PornResult": "porn",
    "TerrorismResult": "terrorism",
    "AdResult": "ad",
    "LiveResult": "live",
    "LogoResult": "logo",
    "GreenEnhancedResult": "green",
}
_HISTORY_PAGE_SIZE = 100


class Review(Gateway):
    def create_audit(self, audits: Sequence[Audit]) -> None:
        """Deliver up to 100 decisions, in one call unless their texts are very long.

        VOD's answer does not mention single decisions. If a later call fails, the earlier ones were
        executed: deliver all again, which only repeats some of them in the history.
        """
        check_count(100, audits, "decisions")
        entries = [
            json.dumps(audit.as_json(), ensure_ascii=False, separators=(",", ":"))
            for audit in audits
        ]
        for some in split_for_query(entries):
            self._call_with_retries(
                Client.create_audit_with_options,
                models.CreateAuditRequest(audit_content=f"[{','.join(some)}]"),
            )

    def audit_history(self, vod_id: str) -> tuple[AuditEntry, ...]:
        """Return the newest 100 decisions on a video, newest first."""
        reply = self._call_with_retries(
            Client.get_audit_history_with_options,
            models.GetAuditHistoryRequest(
                video_id=vod_id,
                page_no=1,
                page_size=_HISTORY_PAGE_SIZE,
                sort_by="CreationTime:Desc",
            ),
        )
        return tuple(_parse_entry(entry) for entry in reply.children("Histories"))

    def submit_machine_review(self, vod_id: str, *, user_data: UserData | None = None) -> str:
        """Submit a machine review with the default template. Returns the job's id."""
        reply = self._call_once(
            Client.submit_aimedia_audit_job_with_options,
            models.SubmitAIMediaAuditJobRequest(
                media_id=vod_id,
                media_type="video",
                user_data=user_data.to_json() if user_data else None,
            ),
        )
        return reply.required("JobId")

    def machine_job(self, job_id: str) -> MachineJob:
        reply = self._call_with_retries(
            Client.get_aimedia_audit_job_with_options,
            models.GetAIMediaAuditJobRequest(job_id=job_id),
        )
        job = reply.child("MediaAuditJob")
        data = job.optional("Data")
        return MachineJob(
            job_id=job.required("JobId"),
            vod_id=job.text("MediaId"),
            status=job.required("Status"),
            code=job.text("Code"),
            message=job.text("Message"),
            result=_parse_result(data) if data else None,
            created_at=job.moment("CreationTime"),
        )

    def machine_result(self, vod_id: str) -> MachineResult | None:
        """Return the machine's verdict; None if there is none yet."""
        try:
            reply = self._call_with_retries(
                Client.get_media_audit_result_with_options,
                models.GetMediaAuditResultRequest(media_id=vod_id),
            )
        except CloudRejected as error:
            # VOD documents no codes here. Other calls tell whether the video exists.
            if error.is_not_found:
                return None
            raise
        result = reply.optional("MediaAuditResult")
        return _parse_result(result) if result else None

    def hit_picture_urls(self, vod_id: str) -> dict[MediaPath, str]:
        """Return VOD's URLs of the frames in the machine's latest verdict, by path.

        VOD deletes the frames two weeks after the review. A URL may be secret.
        """
        reply = self._call_with_retries(
            Client.get_media_audit_result_with_options,
            models.GetMediaAuditResultRequest(media_id=vod_id),
        )
        found = [entry.text("Url") for _, entry in _top_frames(reply.child("MediaAuditResult"))]
        return {host_and_path(url): url for url in found if is_of_vod(host_and_path(url))}

    def add_security_ips(self, addresses: Sequence[str], *, group: str) -> None:
        """Let addresses or CIDR blocks play pending and blocked videos.

        A group takes 100, an account has 10 groups. What is listed already stays.
        """
        self._change_security_ips("Append", addresses, group)

    def remove_security_ips(self, addresses: Sequence[str], *, group: str) -> None:
        self._change_security_ips("Delete", addresses, group)

    def _change_security_ips(self, mode: str, addresses: Sequence[str], group: str) -> None:
        check_count(100, addresses, "addresses")
        self._call_with_retries(
            Client.set_audit_security_ip_with_options,
            models.SetAuditSecurityIpRequest(
                ips=",".join(addresses), operate_mode=mode, security_group_name=group
            ),
        )

    def security_ips(self) -> dict[str, tuple[str, ...]]:
        """Return the addresses and CIDR blocks of each group, by the group's name."""
        reply = self._call_with_retries(
            Client.list_audit_security_ip_with_options, models.ListAuditSecurityIpRequest()
        )
        groups = reply.children("SecurityIpList")
        return {group.required("SecurityGroupName"): group.names("Ips") for group in groups}


def _parse_entry(entry: Reply) -> AuditEntry:
    return AuditEntry(
        created_at=entry.moment("CreationTime") or entry.unexpected("CreationTime is missing"),
        status=entry.required("Status"),
        reason=entry.text("Reason"),
        comment=entry.text("Comment"),
        auditor=entry.text("Auditor"),
    )


def _parse_result(result: Reply) -> MachineResult | None:
    """Parse a MediaAuditResult; None if it has no suggestion yet."""
    suggestion = result.text("Suggestion")
    if not suggestion:
        return None
    try:
        raw = _strip_signatures(clean(result.fields))
    except ValueError:
        result.unexpected("it is nested too deep")
    return MachineResult(
        suggestion=suggestion,
        labels=result.names("Label"),
        abnormal_modules=result.names("AbnormalModules"),
        hits=(*_parse_video_hits(result), *_parse_other_hits(result)),
        raw=raw,
    )


def _parse_video_hits(result: Reply) -> list[Hit]:
    hits = [
        _parse_hit(entry, module)
        for module, entry in _top_frames(result)
        if entry.text("Label") != "normal"
    ]
    return sorted(hits, key=lambda hit: hit.timestamp_ms or 0)


def _top_frames(result: Reply) -> list[tuple[str, Reply]]:
    """Return the frames of the video that stand out, each with the name of its module."""
    video = result.optional("VideoResult")
    if not video:
        return []
    return [
        (module, entry)
        for key, module in _VIDEO_MODULES.items()
        if (part := video.optional(key))
        for entry in part.children("TopList")
    ]


def _parse_other_hits(result: Reply) -> list[Hit]:
    """Parse the hits in the cover, the title and the sound."""
    parts = [
        *(
            ("cover", entry)
            for image in result.children("ImageResult")
            for entry in image.children("Result")
        ),
        *(("title", entry) for entry in result.children("TextResult")),
        *(("audio", entry) for entry in result.children("AudioResult")),
    ]
    return [_parse_hit(entry, module) for module, entry in parts if entry.text("Label") != "normal"]


def _parse_hit(entry: Reply, module: str) -> Hit:
    return Hit(
        label=entry.text("Label"),
        score=entry.number("Score"),
        timestamp_ms=entry.whole("Timestamp") if entry.text("Timestamp") else None,
        module=module,
        picture=parse_media_path(entry, "Url"),
    )


def _strip_signatures(value: Any) -> Any:
    """Cut every Url to host and path: its signature opens the picture to every reader."""
    if isinstance(value, Mapping):
        return {
            key: host_and_path(item)
            if key.lower() == "url" and isinstance(item, str)
            else _strip_signatures(item)
            for key, item in value.items()
        }
    return [_strip_signatures(item) for item in value] if isinstance(value, list) else value
