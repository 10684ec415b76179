"""The clock of one account: real time, faster, slower or frozen, and advanced by a test."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

from pydantic import BaseModel, Field


class Clock(BaseModel):
    """Simulated time in epoch seconds: ``fake + (real time - real) * rate``.

    Both anchors are stored, so that a clock read from a state file has gone on while the server was down.
    """

    real: float = Field(default_factory=time.time)
    fake: float = Field(default_factory=time.time)
    rate: float = Field(default=1.0, ge=0)

    def now(self) -> float:
        return self.fake + (time.time() - self.real) * self.rate

    def set_rate(self, rate: float) -> None:
        """Let time pass ``rate`` times as fast as real time from now on; 0 freezes it."""
        self.fake, self.real, self.rate = self.now(), time.time(), rate

    def advance(self, seconds: float) -> None:
        self.fake += seconds


def http_date(epoch: float) -> str:
    """Return the value of a ``Date`` header."""
    return format_datetime(datetime.fromtimestamp(int(epoch), UTC), usegmt=True)


def timestamp(epoch: float, *, zoned: bool) -> str:
    """Write a time as the API does.

    The real API was seen to send "2026-07-16 19:35:43", always UTC; with ``zoned`` it is RFC 3339, which the
    schema promises for instances (facts 2.2).
    """
    moment = datetime.fromtimestamp(epoch, UTC)
    if not zoned:
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
