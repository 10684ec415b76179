"""``python -m controlplane``: leaves a control plane running until Ctrl-C, and says how to use it."""

import signal
import sys
import time

from controlplane import ControlPlane, ControlPlaneError, cache, tools

_HOW_TO_USE = """
A Kubernetes control plane runs at {url}; there are no nodes, so pods stay Pending.
In another terminal:

    export KUBECONFIG={kubeconfig}
    export PATH={tools}:$PATH

    kubectl api-resources --api-group=aisearch.cloudflare.com
    kubectl explain aisi.spec
    kubectl apply -f deploy/samples/

Logs and the audit log of every write: {directory}
Ctrl-C stops it and removes its folder.
"""


def main() -> int:
    """Run a control plane in the foreground; return the process's exit code."""
    # SIGTERM ends it as Ctrl-C does; a shell starts background jobs with Ctrl-C ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        cache.step("starting a Kubernetes control plane on 127.0.0.1")
        with ControlPlane.start() as plane:
            plane.install_crds()
            how_to_use = _HOW_TO_USE.format(
                url=plane.url,
                kubeconfig=plane.kubeconfig,
                tools=tools.kubectl().parent,
                directory=plane.directory,
            )
            print(how_to_use, flush=True)
            _wait_for_interrupt(plane)
            cache.step("stopping the control plane")
    except ControlPlaneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _wait_for_interrupt(plane: ControlPlane) -> None:
    try:
        while True:
            plane.check()
            time.sleep(1)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
