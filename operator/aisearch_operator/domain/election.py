"""Who leads: what a replica does next about the lease that all replicas share.

Clocks of two machines are never compared. A candidate measures by its own clock for how long it has seen the
lease unchanged; the holder measures by its own since when it sent the renewal that was acknowledged. The holder
gives up before a candidate can run out of patience, as long as the two clocks run at about the same speed.
"""

from dataclasses import dataclass, replace
from datetime import datetime

__all__ = ["Claim", "Lease", "Lost", "Sighting", "Step", "Wait", "Write", "next_step", "released", "see"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a lease says.

    Parameters
    ----------
    holder
        The identity of the replica that leads; empty when none does.
    duration
        Seconds for which the others wait after each renewal.
    acquired, renewed
        By the holder's clock: for people, and to tell one renewal from the next.
    transitions
        How often the holder has changed.
    """

    holder: str
    duration: int
    acquired: datetime | None
    renewed: datetime | None
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as the API server has it.

    Parameters
    ----------
    version
        Its resourceVersion: a write made from it succeeds only while nobody else has written.
    """

    claim: Claim
    version: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a replica knows of the lease.

    Parameters
    ----------
    claim
        The last that was seen; None when there never was any.
    version
        The version to write from; None when there is no lease now.
    since
        When it was first seen so, in seconds of the replica's own clock.
    """

    claim: Claim | None
    version: str | None
    since: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Another replica may still lead for so many seconds; which one is unknown when ``holder`` is empty."""

    holder: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Write:
    """Take the lease, or renew it: make it when ``version`` is None."""

    claim: Claim
    version: str | None


@dataclass(frozen=True, slots=True)
class Lost:
    """Another replica leads instead of this one."""

    holder: str


Step = Wait | Write | Lost


def see(before: Sighting | None, lease: Lease | None, now: float) -> Sighting:
    """Take in what a look at the lease has shown.

    Parameters
    ----------
    lease
        None when there is none.
    now
        Seconds of the replica's own clock after the look.
    """
    if lease is None:
        if before is not None and before.version is None:
            return before
        return Sighting(None if before is None else before.claim, None, now)
    if before is not None and before.claim == lease.claim:
        return replace(before, version=lease.version)  # a label, for example: not a sign of life
    return Sighting(lease.claim, lease.version, now)


def next_step(seen: Sighting, *, identity: str, duration: int, holding: bool, now: float, wall: datetime) -> Step:
    """Decide what to do after a look.

    Parameters
    ----------
    identity
        The replica's own, which no other process ever has.
    duration
        Seconds for which others shall wait after a renewal.
    holding
        Whether this replica leads.
    now
        Seconds of its own clock.
    wall
        The time of day, for the lease's text.
    """
    claim = seen.claim
    held = claim is not None and claim.holder not in {"", identity}
    if holding and claim is not None and held:
        return Lost(claim.holder)
    # Whoever held a lease that was deleted works on until the next renewal, and makes it again. Only a replica that
    # never saw one cannot know that there was one.
    deleted = claim is not None and seen.version is None
    if not holding and claim is not None and (held or deleted):
        # The holder says how long it believes in its lease; it may be of another version than this replica.
        rest = seen.since + (claim.duration or duration) - now
        if rest > 0:
            return Wait("" if deleted else claim.holder, rest)
    return Write(_claimed(claim, identity, duration, wall), seen.version)


def released(claim: Claim) -> Claim:
    """Give the claim with which its holder goes, so that nobody need wait."""
    return replace(claim, holder="")


def _claimed(before: Claim | None, identity: str, duration: int, wall: datetime) -> Claim:
    if before is None:
        return Claim(identity, duration, acquired=wall, renewed=wall)
    if before.holder == identity:
        return replace(before, duration=duration, renewed=wall)
    return Claim(identity, duration, acquired=wall, renewed=wall, transitions=before.transitions + 1)
