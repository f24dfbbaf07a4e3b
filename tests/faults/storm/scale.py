"""How large a storm is, and what it does to the cloud."""

from dataclasses import dataclass
from typing import Any, Final

SHARE = 0.06  # of each rule below; together 1 - (1 - 0.06) ** 6 = 31 % of the calls


@dataclass(frozen=True, slots=True)
class Scale:
    """`seconds` is what the operators spread their work over, where the machine is fast enough.

    Of the calls at least `least_fault_share` must meet a fault: of few calls chance may spare some.
    `lease_seconds` is the workers' OUTBOX_LEASE_SECONDS; a freeze lasts longer than that, and
    `look_back_seconds` (REVIEW_LOOK_BACK_SECONDS) longer than a freeze.
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
    least_fault_share=0.22,
)

# Six ways in which a call goes wrong: refused for now, slowed down, failed after the work was done,
# cut off before and after it, and answered too late.
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
