"""The rules of one clip in plain Python: who may decide what, and what the outside sees.

The model knows the events in VOD and the requests of people here. It cannot predict the lines that
the system writes itself (imports, machine decisions): they depend on what is read when. Each such
line must be allowed by the rules; the rest follows from the lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

PEOPLE: Final = ("api", "admin", "vod")
OF_DECISION: Final = {"Normal": "success", "Blocked": "fail", "Review": "check"}
OF_MACHINE: Final = {"pass": "Normal", "block": "Blocked"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    pk: int
    source: str
    decision: str
    from_status: str
    to_status: str
    reason: str
    comment: str
    auditor: str
    operator: str
    source_version: int
    created_at: datetime
    undoes: int | None

    @property
    def is_human(self) -> bool:
        return self.source in PEOPLE and self.decision != "Undo"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that an operation of this step must add."""

    source: str
    decision: str
    from_status: str
    reason: str
    comment: str
    operator: str


@dataclass(frozen=True, slots=True)
class ConsoleDecision:
    """A decision in VOD's console; `at` is in whole seconds."""

    at: datetime
    decision: str
    reason: str
    auditor: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the recommended list, since a step of the machine."""

    step: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(slots=True)
class Clip:
    """One clip: its history in VOD, and the facts and decisions here."""

    vod_id: str
    uploads: list[tuple[int, datetime]]  # size and moment of each source, the first one first
    may_play: bool  # VOD has let the first source play
    console: list[ConsoleDecision] = field(default_factory=list)
    verdicts: list[tuple[datetime, str]] = field(default_factory=list)
    is_gone: bool = False  # deleted in VOD's console

    is_known: bool = False
    is_deleted: bool = False
    is_deletion_asked: bool = False
    buried: tuple[Any, ...] | None = None  # the facts of its row at its deletion
    status: str = ""
    version: int = 1
    since: dict[int, datetime] = field(default_factory=dict)  # moment of the upload, by version
    lines: list[Line] = field(default_factory=list)
    place: Place | None = None
    blocked_step: int = 0
    blocked_before: dict[int, int] = field(default_factory=dict)  # by the key of a line

    @property
    def is_visible(self) -> bool:
        return self.is_known and not self.is_deleted

    @property
    def standing(self) -> Line | None:
        """The last decision of a person about the present source."""
        return self.standing_of(self.version)

    def standing_of(self, version: int) -> Line | None:
        people = [line for line in self.lines_of(version) if line.is_human]
        return people[-1] if people else None

    @property
    def lines_of_source(self) -> list[Line]:
        return self.lines_of(self.version)

    def lines_of(self, version: int) -> list[Line]:
        """The lines in force about a version of the source: without undone ones."""
        undone = {line.undoes for line in self.lines}
        return [
            line
            for line in self.lines
            if line.source_version == version and line.pk not in undone and line.undoes is None
        ]

    @property
    def has_standing_place(self) -> bool:
        """Whether its place on the list counts, apart from its begin and end."""
        return (
            self.is_visible
            and self.status == "success"
            and self.place is not None
            and self.place.step > self.blocked_step
        )

    def is_published(self, now: datetime) -> bool:
        if not self.has_standing_place or self.place is None:
            return False
        starts_at, ends_at = self.place.starts_at, self.place.ends_at
        return (starts_at is None or starts_at <= now) and (ends_at is None or ends_at > now)

    def is_repeated(self, decision: str, reason: str, comment: str, *, by_desk: bool) -> bool:
        """Whether such a decision adds no line, because it stands already.

        The desk compares approvals alone; blocks, and the API, also by reason and comment.
        """
        standing = self.standing
        if standing is None or self.status != OF_DECISION[decision]:
            return False
        if by_desk and decision == "Normal":
            return standing.decision == decision
        same = (standing.decision, standing.reason, standing.comment)
        return same == (decision, reason, comment)

    def take(self, added: Sequence[Line], wanted: Sequence[Wanted], *, step: int) -> None:
        """Check that the rules allow each line of a step, and add the lines to the model.

        `wanted` are what this step's operations must have added, once each.
        """
        missing = list(wanted)
        imported = [line for line in added if line.source == "vod"]
        for line in added:
            self.check_statuses(line)
            if line.source in {"api", "admin"}:
                as_wanted = Wanted(
                    line.source, line.decision, line.from_status, line.reason, line.comment,
                    line.operator,
                )  # fmt: skip
                assert as_wanted in missing, f"nobody decided this now: {line}"
                missing.remove(as_wanted)
            elif line.source == "vod":
                self.check_import(line, is_last=line is imported[-1])
            elif line.source == "machine":
                self.check_machine(line)
            else:
                self.check_taken_back(line)
            self.note_block(line, step)
            self.lines.append(line)
        assert not missing, f"decided, and not in the log: {missing}"

    def check_statuses(self, line: Line) -> None:
        if line.undoes is None:
            assert line.to_status == OF_DECISION[line.decision], line
            return
        undone = next(other for other in self.lines if other.pk == line.undoes)
        assert undone is self.standing, f"undone, and not a person's last word: {undone}"
        assert (line.from_status, line.to_status) == (undone.to_status, undone.from_status)

    def note_block(self, line: Line, step: int) -> None:
        """A block ends a place on the list; an undo restores it, with the earlier block."""
        if line.undoes is not None:
            self.blocked_step = self.blocked_before[line.undoes]
            self.status = line.to_status
            return
        self.blocked_before[line.pk] = self.blocked_step
        if line.decision == "Blocked":
            self.blocked_step = step

    def check_import(self, line: Line, *, is_last: bool) -> None:
        decided = ConsoleDecision(line.created_at, line.decision, line.reason, line.auditor)
        assert decided in self.console, f"nobody decided this in VOD's console: {line}"
        imported = [other.created_at for other in self.lines if other.source == "vod"]
        assert decided.at not in imported, f"imported twice: {line}"
        # Of a clip that was unknown here when its source was replaced, the earlier source's history
        # comes along with the decision that is in force; it must not have the last word.
        was_unknown = line.source_version == 1 and self.since[1] > self.uploads[0][1]
        assert decided.at >= self.since[line.source_version] or (was_unknown and not is_last), (
            f"it was about an earlier source: {line}"
        )
        standing = self.standing_of(line.source_version)
        assert standing is None or standing.created_at < decided.at, (
            f"{standing} is newer than what was imported: {line}"
        )

    def check_machine(self, line: Line) -> None:
        standing = self.standing_of(line.source_version)
        assert standing is None, f"a machine decided after a person: {line}"
        since = self.since[line.source_version]
        about_source = [OF_MACHINE.get(said) for at, said in self.verdicts if at >= since]
        assert line.decision in about_source, f"no machine said so about this source: {line}"

    def check_taken_back(self, line: Line) -> None:
        assert line.decision == "Review", line
        passed = self.lines_of_source[-1]
        assert passed.decision == "Normal", f"{line} takes back what was no pass: {passed}"

    def expected_status(self) -> str | None:
        """The status by people's decisions, also by a pass that VOD refused.

        None if no person has decided about the present source.
        """
        decided = [
            line for line in self.lines_of_source if line.is_human or line.source == "system"
        ]
        return decided[-1].to_status if decided else None

    def may_be_passed(self) -> bool:
        """Whether the machine or VOD lets the present source pass, without a person's decision."""
        by_machine = [line for line in self.lines_of_source if line.source == "machine"]
        if by_machine:
            return by_machine[-1].decision == "Normal" or self.is_vods_word_enough
        return self.is_vods_word_enough

    @property
    def is_vods_word_enough(self) -> bool:
        return self.version == 1 and self.may_play
