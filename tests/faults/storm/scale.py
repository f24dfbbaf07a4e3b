"""How large a storm is, and the faults of its cloud."""

from dataclasses import dataclass
from typing import Any, Final

SHARE = 0.06  # of each rule below; together 1 - (1 - 0.06) ** 6 = 31 % of the calls


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers of one storm.

    The operators spread their work over `seconds`, or longer on a slow machine. At least
    `least_fault_share` of the calls must meet a fault. `lease_seconds` is OUTBOX_LEASE_SECONDS; a
    freeze is longer, and `look_back_seconds` (REVIEW_LOOK_BACK_SECONDS) is longer than a freeze.
    """

    decisions: int
    operators: int
    videos: int
    seconds: float
    kills: int
    freezes: int
    lease_seconds: int = 10
    look_back_seconds: int = 60
    settle_seconds: float = 120.0
    least_fault_share: float = 0.28

    @property
    def freeze_seconds(self) -> float:
        return self.lease_seconds * 1.3 + 1


FULL: Final = Scale(decisions=1_000, operators=8, videos=120, seconds=240, kills=20, freezes=5)
SMALL: Final = Scale(
    decisions=60,
    operators=3,
    videos=12,
    seconds=14,
    kills=3,
    freezes=1,
    lease_seconds=2,
    look_back_seconds=6,
    settle_seconds=300.0,
    least_fault_share=0.22,
)

# Six faults: refused for now, throttled, failed after its effect, cut off before and after its
# effect, and answered too late.
RULES: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "error", "status": 503, "code": "ServiceUnAvailable"},
    {"kind": "error", "status": 400, "code": "Throttling.User"},
    {"kind": "error", "status": 500, "code": "InternalError", "is_after": True},
    {"kind": "lost"},
    {"kind": "lost", "is_after": True},
    {"kind": "lost", "is_after": True, "latency_seconds": 3.0},
)
CALLBACKS: Final = {"drop": 0.2, "duplicate": 0.5, "reorder": 0.5}


def rules() -> list[dict[str, Any]]:
    return [{**rule, "rate": SHARE} for rule in RULES]
