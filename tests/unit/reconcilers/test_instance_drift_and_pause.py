"""Drift that is told once, repairs that are undone, and pauses that nobody asked for."""

from unit.reconcilers.bench import READY, ready_instance


async def sweep(bench, key):
    await bench.look_again()
    return await bench.make_pass(key)


async def test_drift_is_told_when_it_starts_and_when_it_ends_and_not_in_between(bench):
    key = await ready_instance(bench, chunkSize=512, driftPolicy="Report")
    bench.account.patch_instance("docs", chunk_size=100)
    for _ in range(3):
        await sweep(bench, key)
    started = bench.drain_events()
    bench.account.patch_instance("docs", chunk_size=512)
    for _ in range(3):
        await sweep(bench, key)

    assert started == [("Warning", "DriftFound")]
    assert bench.drain_events() == [("Normal", "NoDrift")]


async def test_a_repair_that_is_undone_again_and_again_waits_and_says_so(bench):
    key = await ready_instance(bench, chunkSize=512)
    again = None
    for _ in range(6):
        bench.account.patch_instance("docs", chunk_size=100)
        again = await sweep(bench, key)

    assert bench.writes() == [("instances.update", {"chunk_size": 512})] * 3
    assert bench.drain_events() == [("Normal", "DriftRepaired")] * 3 + [("Warning", "RepairUndone")]
    drifted = bench.condition(key, "Drifted")
    assert (drifted.status, drifted.reason) == ("True", "RepairUndone")
    assert bench.states(key) == READY
    assert again is not None
    assert 60 < again.after <= 120
    bench.drain_patches()
    await sweep(bench, key)
    assert bench.drain_patches() == []


async def test_an_edit_is_sent_at_once_however_often_repairs_were_undone(bench):
    key = await ready_instance(bench, chunkSize=512)
    for _ in range(5):
        bench.account.patch_instance("docs", chunk_size=100)
        await sweep(bench, key)
    bench.requests()
    bench.instance(source="bucket", chunkSize=600)

    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"chunk_size": 600})]


async def test_a_source_error_is_named_and_the_pause_that_it_makes_is_not_fought(bench):
    key = await ready_instance(bench, paused=None)
    bench.account.break_source("docs", "bucket_not_found")
    await bench.read_statistics()
    await sweep(bench, key)
    stopped = [bench.condition(key, kind) for kind in ("Paused", "Indexed")]
    bench.drain_patches()
    await bench.restart()
    await sweep(bench, key)
    await sweep(bench, key)
    restarted = bench.drain_patches()
    bench.account.repair_source("docs")
    bench.account.patch_instance("docs", paused=False)
    await bench.read_statistics()
    await sweep(bench, key)

    for condition, status in zip(stopped, ("True", "False"), strict=True):
        assert (condition.status, condition.reason) == (status, "SourceError")
        assert "bucket_not_found (create the bucket" in condition.message
    assert bench.writes() == []
    assert restarted == []
    assert bench.condition(key, "Paused").status == "False"
    assert bench.condition(key, "Indexed").status == "True"


async def test_a_pause_is_fought_only_when_the_spec_says_so_and_not_for_ever(bench):
    key = await ready_instance(bench, paused=False)
    bench.account.break_source("docs", "r2_not_enabled")
    for _ in range(6):
        bench.account.advance(6)  # by then the resumed instance has met its source again
        await sweep(bench, key)

    assert bench.writes() == [("instances.update", {"paused": False})] * 3
    assert bench.condition(key, "Drifted").reason == "RepairUndone"
    assert bench.condition(key, "Paused").status == "True"


async def test_a_site_that_keeps_the_crawler_out_is_named(bench):
    key = await ready_instance(bench)
    bench.account.patch_instance("docs", status="blocked_by_robots_txt", paused=True)
    await bench.read_statistics()
    await sweep(bench, key)

    for kind in ("Paused", "Indexed"):
        assert bench.condition(key, kind).reason == "BlockedBySite"
        assert "robots.txt" in bench.condition(key, kind).message


async def test_a_pause_by_the_spec_and_one_by_idleness_are_told_apart(bench):
    wanted = await ready_instance(bench, "wanted", paused=True)
    idle = await ready_instance(bench, "idle")
    bench.account.advance(32 * 86_400)
    await sweep(bench, wanted)
    await sweep(bench, idle)

    assert bench.condition(wanted, "Paused").reason == "PausedBySpec"
    assert bench.condition(idle, "Paused").reason == "PausedAtCloudflare"
    assert bench.writes() == []
