"""The resources that the Lua is tested with are what the operator's code writes today."""

from argocd_lua import testdata
from argocd_lua.customizations import DEPLOY, load


async def test_the_test_data_are_what_the_operator_writes():
    folder = DEPLOY / "resource_customizations"
    wanted = await testdata.generate()

    found = {path.relative_to(folder): path.read_text() for path in folder.glob("**/testdata/*.yaml")}
    by_hand = {path for path in found if isinstance(load(folder / path), list)}

    drifted = sorted(str(path) for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    assert drifted == sorted(map(str, by_hand)), "run `make docs`, and look at the difference"
    assert [path.name for path in by_hand] == ["sync-job.yaml"]
