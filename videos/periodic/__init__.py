"""Periodic tasks.

The import of a module of this package registers its tasks; `apps.py` imports all of them.
"""

from videos.periodic.cdn import check_cdn_quota, check_cdn_tasks
from videos.periodic.count import compact_counts
from videos.periodic.events import remove_old_events
from videos.periodic.evidence import archive_incomplete_evidence, remove_expired_evidence
from videos.periodic.reconcile import compare_daily, reconcile_requested
from videos.periodic.sync import sweep_pending, sync_changes
from videos.periodic.transcoding import check_transcodes, end_jobs_of_deleted_videos
