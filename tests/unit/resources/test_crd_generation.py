"""The generated CustomResourceDefinitions and the files in ``crds/``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from aisearch_operator.resources import crd
from aisearch_operator.resources.group import FINALIZER, GROUP, INSTANCE_PLURAL, SYNC_JOB_PLURAL
from aisearch_operator.resources.instance import AISearchInstance
from aisearch_operator.resources.schema import structural_schema
from aisearch_operator.resources.sync_job import AISearchSyncJob

CRDS = Path(__file__).parents[3] / "crds"


def manifests() -> dict[str, dict[str, Any]]:
    loaded = (yaml.safe_load(text) for text in crd.generate().values())
    return {manifest["spec"]["names"]["plural"]: manifest for manifest in loaded}


def columns(plural: str, *, wide: bool) -> list[str]:
    version = manifests()[plural]["spec"]["versions"][0]
    return [column["name"] for column in version["additionalPrinterColumns"] if ("priority" in column) == wide]


def empty_lists(value: Any, path: str = "") -> Iterator[str]:
    if value == []:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from empty_lists(child, f"{path}/{key}")


def test_the_committed_files_are_what_the_models_generate():
    assert not crd.drift(CRDS), "run make crds"


@pytest.mark.parametrize(("plural", "model"), [(INSTANCE_PLURAL, AISearchInstance), (SYNC_JOB_PLURAL, AISearchSyncJob)])
def test_folding_long_text_changes_nothing_that_is_read_back(plural, model):
    version = manifests()[plural]["spec"]["versions"][0]

    assert version["schema"]["openAPIV3Schema"] == structural_schema(model)


def test_no_list_is_empty_as_argo_cd_would_show_a_difference_for_ever():
    assert not [path for manifest in manifests().values() for path in empty_lists(manifest)]


def test_names_are_those_that_people_type():
    for plural, short in ((INSTANCE_PLURAL, "aisi"), (SYNC_JOB_PLURAL, "aisj")):
        manifest = manifests()[plural]
        assert manifest["metadata"]["name"] == f"{plural}.{GROUP}"
        assert manifest["spec"]["names"]["shortNames"] == [short]
        assert manifest["spec"]["names"]["categories"] == ["cloudflare", "aisearch"]
    assert FINALIZER.startswith(f"{GROUP}/")


def test_the_columns_answer_the_first_question_and_wide_ones_the_second():
    assert columns(INSTANCE_PLURAL, wide=False) == ["Ready", "Reason", "State", "Files", "Age"]
    assert columns(INSTANCE_PLURAL, wide=True) == [
        "Instance",
        "Search Namespace",
        "Queued",
        "Errors",
        "Paused",
        "Message",
    ]
    assert columns(SYNC_JOB_PLURAL, wide=False) == ["Instance", "Phase", "Duration", "Age"]
    assert columns(SYNC_JOB_PLURAL, wide=True) == ["Started", "Job", "Reason", "Message"]


def test_writing_into_a_folder_leaves_nothing_to_complain_about(tmp_path):
    assert CliRunner().invoke(crd.main, [str(tmp_path)]).exit_code == 0

    assert CliRunner().invoke(crd.main, ["--check", str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize("spoil", ["edited", "missing", "foreign"])
def test_check_fails_and_names_the_file_that_is_not_as_generated(tmp_path, spoil):
    crd.write(tmp_path)
    name = f"{GROUP}_{INSTANCE_PLURAL}.yaml"
    if spoil == "edited":
        (tmp_path / name).write_text("kind: CustomResourceDefinition\n")
    elif spoil == "missing":
        (tmp_path / name).unlink()
    else:
        name = "leftover.yaml"
        (tmp_path / name).write_text("")

    outcome = CliRunner().invoke(crd.main, ["--check", str(tmp_path)])

    assert outcome.exit_code == 1
    assert name in outcome.output
    assert SYNC_JOB_PLURAL not in outcome.output
