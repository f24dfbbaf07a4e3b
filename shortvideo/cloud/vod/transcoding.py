"""Transcoding: submit jobs once, read tasks and jobs."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from shortvideo.cloud.gateway import Gateway, check_count, format_time
from shortvideo.cloud.reply import Reply
from shortvideo.cloud.types import (
    FoundJobs,
    SubmittedTranscode,
    TranscodeJobFacts,
    TranscodeTask,
    UserData,
)
from shortvideo.cloud.vod.parsing import parse_job_output

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")
_TASK_PAGE_SIZE = 50
_MAX_TASK_PAGES = 20


class Transcoding(Gateway):
    def submit_transcode(
        self,
        vod_id: str,
        template_group_id: str,
        *,
        session_id: str,
        user_data: UserData | None = None,
    ) -> SubmittedTranscode:
        """Submit a video to a template group.

        VOD refuses a repeated `session_id` for seven days: if the answer is lost, submit again with
        the same id.
        """
        if not _SESSION_ID.fullmatch(session_id):
            raise ValueError("A session id has 1 to 50 characters out of A-Z a-z 0-9 _ -.")
        reply = self._call_once(
            Client.submit_transcode_jobs_with_options,
            models.SubmitTranscodeJobsRequest(
                video_id=vod_id,
                template_group_id=template_group_id,
                session_id=session_id,
                user_data=user_data.to_json() if user_data else None,
            ),
        )
        jobs = reply.children("TranscodeJobs", wrapped="TranscodeJob")
        return SubmittedTranscode(
            task_id=reply.required("TranscodeTaskId"),
            job_ids=tuple(job.required("JobId") for job in jobs),
        )

    def transcode_task(self, task_id: str) -> TranscodeTask:
        """Return a task of the past year with its jobs."""
        reply = self._call_with_retries(
            Client.get_transcode_task_with_options,
            models.GetTranscodeTaskRequest(transcode_task_id=task_id),
        )
        return _parse_task(reply.child("TranscodeTask"))

    def transcode_jobs(self, job_ids: Sequence[str]) -> FoundJobs:
        """Return up to 10 jobs, with the ids that VOD does not have."""
        check_count(10, job_ids, "job ids")
        reply = self._call_with_retries(
            Client.get_transcode_task_with_options,
            models.GetTranscodeTaskRequest(job_ids=",".join(job_ids)),
        )
        return FoundJobs(
            jobs=tuple(_parse_job(job) for job in reply.children("TranscodeJobInfoList")),
            missing_ids=reply.names("NonExistJobIds"),
        )

    def transcode_tasks(
        self, vod_id: str, *, since: datetime | None = None
    ) -> tuple[TranscodeTask, ...]:
        """Return the video's tasks of the past year, newest first, without their jobs."""
        tasks: list[TranscodeTask] = []
        for page_no in range(1, _MAX_TASK_PAGES + 1):
            reply = self._call_with_retries(
                Client.list_transcode_task_with_options,
                models.ListTranscodeTaskRequest(
                    video_id=vod_id,
                    start_time=format_time(since) if since else None,
                    page_no=page_no,
                    page_size=_TASK_PAGE_SIZE,
                ),
            )
            page = [_parse_task(task) for task in reply.children("TranscodeTaskList")]
            tasks += page
            if len(page) < _TASK_PAGE_SIZE:
                break
        oldest = datetime.min.replace(tzinfo=UTC)
        return tuple(sorted(tasks, key=lambda task: task.creation_time or oldest, reverse=True))


def _parse_task(task: Reply) -> TranscodeTask:
    return TranscodeTask(
        task_id=task.required("TranscodeTaskId"),
        vod_id=task.text("VideoId"),
        status=task.required("TaskStatus"),
        trigger=task.text("Trigger"),
        template_group_id=task.text("TranscodeTemplateGroupId"),
        creation_time=task.moment("CreationTime"),
        complete_time=task.moment("CompleteTime"),
        jobs=tuple(_parse_job(job) for job in task.children("TranscodeJobInfoList")),
    )


def _parse_job(job: Reply) -> TranscodeJobFacts:
    job_id, status = job.required("TranscodeJobId"), job.required("TranscodeJobStatus")
    definition = job.text("Definition")
    output = job.optional("OutputFile")
    return TranscodeJobFacts(
        job_id=job_id,
        status=status,
        progress=job.percent("TranscodeProgress"),
        definition=definition,
        error_code=job.text("ErrorCode"),
        error_message=job.text("ErrorMessage"),
        output=parse_job_output(
            output,
            job_id=job_id,
            definition=definition,
            status=status,
            created_at=job.moment("CompleteTime"),
        )
        if output
        else None,
    )
