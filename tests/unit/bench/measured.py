"""One way to build each thing that the benchmark's tests need."""

from datetime import UTC, datetime

from bench.figures import Contender, Figures, Machine, Phase, Results, Run

MEBIBYTE = 2**20
MACHINE = Machine(cores=2, processor="any", memory=2**33, system="Linux", python="3.11.1", versions={"kopf": "1"})


def figures(phase, **changes):
    """Make the figures of a phase in which all is well."""
    given = {
        "resources": 1000,
        "seconds": 10.0,
        "lasted": 10.0,
        "writes": {},
        "requests": {},
        "cpu": 5.0,
        "peak": 100 * MEBIBYTE,
        "memory": 90 * MEBIBYTE,
        "others": {"control plane": 3.0},
    }
    return Figures(phase=phase, **given | changes)


def run(contender=Contender.OPERATOR, size=1000, *phases, trouble=""):
    return Run(contender=contender, size=size, phases=phases, trouble=trouble)


def results(*runs, interval=20.0):
    return Results(
        began=datetime(2026, 1, 1, tzinfo=UTC),
        machine=MACHINE,
        interval=interval,
        job_interval=10.0,
        real_limits=False,
        runs=runs,
    )


ALL = tuple(Phase)
