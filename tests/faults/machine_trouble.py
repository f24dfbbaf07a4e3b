"""Rules about trouble: faults of VOD, workers that die or freeze, and tampering."""

from contextlib import suppress
from typing import Any, Final

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shortvideo.cloud import CloudError
from shortvideo.outbox.handlers import handler_for
from shortvideo.outbox.models import Delivery
from tests.faults.machine_base import Machine, at_most
from videos.models import ReviewDecision
from videos.services.standing import as_audit, standing_decision_ids

FAULTS: Final = (
    {"kind": "error"},
    {"kind": "error", "rate": 0.4},
    {"kind": "lost", "is_after": True, "times": 2},
    {"kind": "error", "code": "Throttling.User", "status": 400, "times": 4},
    {"operation": "CreateAudit", "kind": "error"},
    {"operation": "CreateAudit", "kind": "lost"},
    {"operation": "CreateAudit", "kind": "lost", "is_after": True, "times": 1},
    {"operation": "CreateAudit", "kind": "error", "code": "Forbidden", "status": 403, "times": 1},
    {"operation": "DeleteVideo", "kind": "lost", "is_after": True, "times": 1},
    {"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403, "times": 1},
    {"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True, "times": 1},
    {"operation": "SubmitTranscodeJobs", "kind": "error", "code": "Forbidden", "status": 403,
     "times": 1},
    {"operation": "GetVideoInfos", "kind": "error", "times": 3},
    {"operation": "GetAuditHistory", "kind": "error", "times": 4},
    {"operation": "GetAuditHistory", "kind": "error", "code": "Forbidden", "status": 403,
     "times": 1},
    {"operation": "SearchMedia", "kind": "error", "times": 3},
    {"operation": "GetMediaAuditResult", "kind": "lost", "times": 3},
)  # fmt: skip


class TroubleRules(Machine):
    @rule(statement=st.sampled_from(["update", "delete", "truncate"]))
    @at_most(2)
    def somebody_tampers_with_the_log(self, statement: str) -> None:
        self.begin()
        table = ReviewDecision._meta.db_table
        attempts = {
            "update": f"UPDATE {table} SET reason = 'another'",
            "delete": f"DELETE FROM {table}",
            "truncate": f"TRUNCATE {table} CASCADE",
        }
        if not self.log and connection.vendor == "sqlite":
            return  # its triggers are for each row
        if statement == "truncate" and connection.vendor == "sqlite":
            return  # which has no such statement
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(attempts[statement])

    @rule(kind=st.sampled_from(["create_audit", "delete_video", "submit_transcode",
                                "process_event"]), has_called=st.booleans())  # fmt: skip
    @precondition(lambda _: Delivery.objects.open().exists())
    @at_most(3)
    def a_worker_dies(self, kind: str, has_called: bool) -> None:
        """Before its call, or between the call and the commit of its outcome."""
        self.begin()
        batch = self.world.claim(kind)
        if batch and has_called:
            with suppress(CloudError):  # the call failed, and then the worker died
                handler_for(kind).deliver(batch)

    @rule()
    @precondition(lambda _: Delivery.objects.open().filter(kind="create_audit").exists())
    def a_worker_freezes_before_its_call(self) -> None:
        self.begin()
        batch = self.world.claim("create_audit")
        decisions = ReviewDecision.objects.filter(delivery__in=batch).select_related("video")
        standing = set(standing_decision_ids(decision.video for decision in decisions).values())
        audits = [as_audit(decision) for decision in decisions if decision.pk in standing]
        if audits:
            self.frozen.append((batch, audits))

    @rule()
    @precondition(lambda self: self.frozen)
    def a_frozen_worker_comes_back(self) -> None:
        """Its call lands late; it cannot finish rows that another worker has taken."""
        self.begin()
        self.world.pass_leases()
        self.land_late_call()

    @rule(fault=st.sampled_from(FAULTS), steps=st.integers(1, 6))
    @at_most(4)
    def a_fault_begins(self, fault: dict[str, Any], steps: int) -> None:
        self.begin()
        self.faulty_until = self.step + steps
        self.world.vod.faults(fault, seed=self.step)
