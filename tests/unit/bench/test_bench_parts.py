"""The parts of the benchmark: kinds of writes, what a process used, tables and pictures."""

import os
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from bench import tables
from bench.figures import Contender, Phase, Results, Run
from bench.plots import pictures
from bench.process_meter import ProcessMeter
from bench.writes import kind_of
from controlplane.audit import AuditedRequest
from unit.bench.measured import figures, results, run


def write(body, *, verb="patch", resource="aisearchinstances", subresource="", code=200):
    return AuditedRequest(datetime.now(UTC), verb, resource, subresource, "bench", "docs", "operator", code, body)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (write([{"op": "add", "path": "/metadata/finalizers"}]), "finalizer"),
        (write({"metadata": {"annotations": {"kopf.dev/last-handled-configuration": "{}"}}}), "annotation"),
        (write({"status": {"observedGeneration": 1, "conditions": []}}, subresource="status"), "status"),
        (write({"status": {"stats": {}, "conditions": []}}, subresource="status"), "statistics"),
        (write({"status": {"stats": {}, "state": "active"}}, subresource="status"), "status"),
        (write({"status": {}}, subresource="status", code=409), "refused"),
        (write({"reason": "Created"}, verb="create", resource="events", code=201), "event"),
        (write({}, verb="delete"), "delete"),
    ],
)
def test_writes_are_sorted_by_what_they_are_for(made, kind):
    assert kind_of(made) == kind


def test_a_process_is_measured_while_it_runs():
    meter = ProcessMeter(os.getpid())
    before = meter.cpu

    while meter.cpu == before:
        sum(range(100_000))

    assert meter.cpu > before
    assert 0 < meter.memory <= meter.peak


def test_the_peak_is_forgotten_when_a_phase_begins():
    meter = ProcessMeter(os.getpid())
    block = bytearray(64 * 2**20)
    with_block = meter.peak
    del block

    meter.reset_peak()

    assert meter.peak < with_block


def test_a_table_has_both_contenders_and_their_ratio():
    ours = figures(Phase.CREATE, writes={"finalizer": 1000, "status": 1000}, requests={"instances.create": 1000})
    theirs = figures(Phase.CREATE, writes={"status": 4000}, seconds=20.0)

    rows = tables.phases(results(run(Contender.OPERATOR, 1000, ours), run(Contender.BASELINE, 1000, theirs)))

    assert [row[:6] for row in rows] == [
        ("1,000", "create", "operator", "10.0", "2 (1 finalizer, 1 status)", "1 (1 instances.create)"),
        ("1,000", "create", "baseline", "20.0", "4 (4 status)", "0"),
        ("", "", "ratio", "0.50", "0.50", "-"),
    ]


def test_of_repeated_runs_each_phase_is_the_one_in_the_middle():
    made = [
        run(Contender.OPERATOR, 1000, figures(Phase.CREATE, seconds=create), figures(Phase.EDIT, seconds=edit))
        for create, edit in ((14.0, 3.0), (10.0, 5.0), (11.0, 4.0))
    ]
    broken = run(Contender.OPERATOR, 1000, figures(Phase.CREATE, seconds=1.0), trouble="TimeoutError: ")

    middle = Run.middle([*made, broken])

    assert [each.seconds for each in middle.phases] == [11.0, 4.0]
    assert (middle.size, middle.repeated, middle.trouble) == (1000, 3, "")
    assert Run.middle([broken]) == broken


def test_a_run_that_ended_early_says_why():
    rows = tables.phases(results(run(Contender.BASELINE, 1000, trouble="TimeoutError: ")))

    assert rows == [("1,000", "ended", "baseline", "TimeoutError: ", "", "", "", "", "")]


def test_what_is_missed_comes_first():
    rows = tables.promises(results(run(Contender.OPERATOR, 100, figures(Phase.RESTART, writes={"status": 1}))))

    assert rows[0][-1] == tables.MISSED
    assert {row[-1] for row in rows[1:]} == {tables.KEPT}


def test_results_are_read_as_they_were_written():
    made = results(run(Contender.OPERATOR, 100, figures(Phase.RESTART, listing=0.5)))

    assert Results.model_validate_json(made.model_dump_json()) == made


def test_pictures_are_drawn_of_whatever_there_is():
    for made in (results(), results(run(Contender.OPERATOR, 100, figures(Phase.REST)))):
        for picture in pictures(made).values():
            ET.fromstring(picture)
