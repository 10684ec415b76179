"""The resources that the Lua is tested with are what the operator's code writes today."""

from difflib import unified_diff

from argocd_lua import testdata
from argocd_lua.customizations import DEPLOY, load


async def test_the_test_data_are_what_the_operator_writes():
    folder = DEPLOY / "resource_customizations"
    wanted = await testdata.generate()

    found = {path.relative_to(folder): path.read_text() for path in folder.glob("**/testdata/*.yaml")}
    by_hand = {path for path in found if isinstance(load(folder / path), list)}

    drifted = {path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path)}
    lines = [
        line
        for path in sorted(drifted - by_hand)
        for line in unified_diff(
            found.get(path, "").splitlines(), wanted.get(path, "").splitlines(), str(path), "as the operator writes it"
        )
    ]
    assert not lines, "run `make docs`, and look at the difference:\n" + "\n".join(lines)
    assert [path.name for path in by_hand] == ["sync-job.yaml"]
