"""The main job with the chart's ClusterRole: operators that watch all namespaces, on a control plane of their own.

The rest of the suite runs with the chart's namespaced roles, many operators beside each other. One that watches all
namespaces would see the resources of all tests, so these run one after the other, in a test run inside of this one.
Its look back at the audit log (`harness.rights_review`) fails it for a right that is missing or too many.
"""

import os
import subprocess
import sys
from pathlib import Path

from harness.audit_review import CLUSTER_WIDE

ROOT = Path(__file__).parents[2]
MAIN_JOB = (
    "test_instance.py",
    "test_sync_job.py",
    "test_connection_config_map.py",
    "test_sync_job_expiry.py",
    "test_deletion_policy.py",
    "test_deletion_faults.py::test_a_custom_domain_that_cannot_be_removed_is_tried_again_until_it_can_however_long",
    "test_high_availability.py::test_a_leader_that_fails_while_it_starts_jobs_leaves_one_job_each_and_writes_no_more[sigkill]",
)


def test_the_main_job_is_done_with_the_rights_of_the_cluster_role_each_of_which_is_needed(tmp_path):
    outer = ("PYTEST_", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    tests = [f"tests/cluster/{name}" for name in MAIN_JOB]

    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "1", CLUSTER_WIDE, f"--basetemp={tmp_path / 'inner'}", *tests],
        cwd=ROOT,
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, outcome.stdout[-6000:]
