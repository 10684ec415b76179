"""Command line of the demo: `python -m demo` stays up until Ctrl-C, `python -m demo --once` ends by itself."""

import argparse
import signal
import sys
import time

import httpx

from controlplane import ControlPlaneError
from controlplane.tools import kubectl
from demo import proof, scenario
from demo.display import Display
from demo.errors import DemoError
from demo.installation import Installation
from demo.kubectl import INTERVAL
from fake_cloudflare import AdminError

INTERRUPTED = 130
"""Exit code, as shells have it: 128 and SIGINT's number."""

LOG_TAIL = 2000
"""Characters of the operator's log that an error shows."""

GUIDE = """\
It all stays up until Ctrl-C. In another terminal, in this folder:

  export KUBECONFIG={kubeconfig}
  export PATH={tools}:$PATH

  kubectl get aisi,aisj -o wide
  kubectl explain aisi.spec
  kubectl get events --watch

  # one PUT, with one field
  kubectl patch aisi docs --type=merge -p '{{"spec": {{"maxNumResults": 30}}}}'

  # another job, stopped while its resource stays
  kubectl apply -f deploy/samples/syncjob-to-cancel.yaml
  kubectl patch aisj docs-second-sync --type=merge -p '{{"spec": {{"cancel": true}}}}'

  # a setting changed behind the operator's back, as in Cloudflare's dashboard: it is set back
  curl -X PATCH {admin}/namespaces/default/instances/docs \\
    -H 'Content-Type: application/json' -d '{{"settings": {{"max_num_results": 5}}}}'

  # the instance is deleted at Cloudflare, too
  kubectl delete aisi docs
"""


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the proof; the exit code says whether it held")
    once = parser.parse_args().once
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    shown = False
    try:
        with Display() as display, Installation.start(display) as installation:
            _perform(installation, display)
            shown = True
            if not once:
                _stay(installation, display)
    except KeyboardInterrupt:
        print("\nStopped, and everything removed.", flush=True)
        return 0 if shown else INTERRUPTED
    except (AdminError, ControlPlaneError, DemoError, OSError, RuntimeError, httpx.HTTPError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    return 0


def _perform(installation: Installation, display: Display) -> None:
    """Play the scenario, and prove that it happened."""
    try:
        scenario.play(installation, display)
    except DemoError as error:
        msg = f"{error}\nThe end of the operator's log:\n{installation.operator.log[-LOG_TAIL:]}"
        raise DemoError(msg) from error
    display.step("7  The proof")
    evidence = proof.gather(installation)
    display.request_log(evidence.requests, f"What Cloudflare got, below /accounts/{installation.account.id}/ai-search")
    claims = proof.examine(evidence)
    for claim in claims:
        display.verdict(str(claim), good=claim.holds)
    proof.require(claims)
    display.say(f"\nAll of it happened, in {display.elapsed:.0f} s.")


def _stay(installation: Installation, display: Display) -> None:
    display.step("8  Your turn")
    fake, account = installation.fake, installation.account
    display.say(
        GUIDE.format(
            kubeconfig=installation.plane.kubeconfig,
            tools=kubectl().parent,
            admin=f"{fake.url}/admin/accounts/{account.id}",
        )
    )
    while True:
        installation.show(display)
        time.sleep(INTERVAL)


if __name__ == "__main__":
    sys.exit(main())
