"""The base of all rules: the state of a run, the drawn values and the common actions."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from shortvideo.cloud import CloudError, vod_gateway
from shortvideo.cloud.types import Audit
from shortvideo.outbox.handlers import Done, handler_for
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.settling import finish
from tests.faults.machine_checks import lines_in
from tests.faults.machine_model import Clip, Wanted
from tests.faults.machine_world import World
from videos import mirror
from videos.models import Video

MOST_CLIPS: Final = 3
STEP_SECONDS: Final = 2  # VOD's moments are whole seconds: so no two steps share one

Rule = TypeVar("Rule", bound=Callable[..., None])


def at_most(times: int) -> Callable[[Rule], Rule]:
    """Limit how often a rule happens in one run, so that the others have room."""

    def limited(happens: Rule) -> Rule:
        name = happens.__name__

        @wraps(happens)
        def counted(machine: "Machine", **drawn: Any) -> None:
            machine.counts[name] += 1
            happens(machine, **drawn)

        still_allowed = precondition(lambda machine: machine.counts[name] < times)
        return cast("Rule", still_allowed(counted))

    return limited


clips = st.integers(0, MOST_CLIPS - 1)
statuses = st.sampled_from(["Checking", "Normal", "Transcoding"])
decisions = st.sampled_from(["Normal", "Blocked"])
reasons = st.sampled_from(["violence", "spam"])
calls = st.sampled_from(["get", "post"])
texts = st.sampled_from(["", "looks fine"])


class Machine(RuleBasedStateMachine):
    """The state of a run. The test that runs the machine sets `world`."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.reset()
        self.clips: list[Clip] = []
        self.step = 0
        self.wanted: dict[str, list[Wanted]] = {}
        self.readings: list[mirror.Reading] = []
        self.frozen: list[tuple[list[Delivery], list[Audit]]] = []
        self.told_count = 0
        self.counts: Counter[str] = Counter()
        self.log = lines_in()
        self.shown: dict[str, str] = {}
        self.faulty_until = 0

    def begin(self, seconds: float = STEP_SECONDS) -> None:
        self.step += 1
        self.wanted = {}
        self.world.clock.go_on(seconds)
        if self.step == self.faulty_until:
            self.world.vod.faults()

    def clip(self, index: int) -> Clip:
        return self.clips[index % len(self.clips)]

    @property
    def operator(self) -> str:
        return self.world.desk.operator.username

    def call(self, channel: str, operation: str, **parameters: Any) -> str:
        """Call a console operation. Returns the code of its answer."""
        send = self.world.console.get if channel == "get" else self.world.console.post
        code: str = send(operation, **parameters)["code"]
        return code

    def do(self, action: str, vod_id: str, **fields: Any) -> bool:
        """Do an action of the desk. Returns whether it was done."""
        return self.world.act(action, Video.objects.get(vod_id=vod_id), **fields)

    def add_clip(self, status: str) -> None:
        vod_id = self.world.upload(status=status)
        size = self.world.vod.state(vod_id)["video"]["size"]
        now = self.world.clock.now()
        self.clips.append(Clip(vod_id, [(size, now)], may_play=status == "Normal"))

    def exists_in_vod(self, clip: Clip) -> bool:
        return self.world.vod.state(clip.vod_id)["video"] is not None

    def in_vod(self, clip: Clip, change: Callable[[str], object]) -> None:
        """Change something in VOD as its console does, with no fault in force."""
        if not self.exists_in_vod(clip):
            return
        faults = self.world.vod.control("GET", "faults")
        faults.pop("met")  # a count, no setting
        self.world.vod.faults()
        change(clip.vod_id)
        self.world.vod.control("POST", "faults", faults)

    def land_late_call(self) -> None:
        batch, audits = self.frozen.pop(0)
        self.world.work()
        try:
            vod_gateway().create_audit(audits)
        except CloudError:
            return
        for delivery in batch:
            finish(delivery, Done(), handler=handler_for(delivery.kind))
