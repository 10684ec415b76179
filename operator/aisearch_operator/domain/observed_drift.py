"""What an instance differs in for a resource that only observes it."""

from dataclasses import replace

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.difference import Difference
from aisearch_operator.domain.instance_plan import Create, Desired, Keep, Memory, plan, remember

__all__ = ["seen_drift"]


def seen_drift(desired: Desired, observed: Instance) -> tuple[Difference, ...]:
    """Compare as the plan of one who manages the instance and repairs nothing.

    What Cloudflare does not show cannot differ, nor what it shows of a null: nothing was ever sent.
    """
    memory = Memory(
        search_namespace=desired.search_namespace,
        write_only_hash=remember(desired, Memory(), Create({}, {}), observed),
        spec_applied=True,
    )
    decision = plan(replace(desired, repairs_drift=False), observed, memory)
    return decision.drift if isinstance(decision, Keep) else ()
