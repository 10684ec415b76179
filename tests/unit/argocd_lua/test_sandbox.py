"""The sandbox gives a script what Argo CD gives it, and no more."""

import pytest

from argocd_lua.sandbox import ScriptError, run


@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("return obj", {"name": "docs", "list": [1, {"deep": True}], "number": 3}),
        ("return obj.list[2].deep", True),
        ("obj.list[2].deep = nil return obj.list", [1, []]),
        ("return obj.absent == nil", True),
        ("return { name = actionParams.greeting }", {"name": "hello"}),
        ('return table.concat({ "a", "b" })', "ab"),
        ('return require("os").date("!%Y", 0)', "1970"),
        ("goto finish ::finish:: return tostring(2)", "2"),
    ],
)
@pytest.mark.parametrize("open_libs", [True, False], ids=["all libraries", "closed"])
def test_a_script_gets_the_resource_and_returns_json(script, given, open_libs):
    resource = {"name": "docs", "list": [1, {"deep": True}], "number": 3, "absent": None}

    assert run(script, resource, open_libs=open_libs, parameters={"greeting": "hello"}) == given


@pytest.mark.parametrize(
    "script",
    [
        'return string.rep("a", 3)',
        'return ("a"):rep(3)',
        'return require("string").rep("a", 3)',
        "return math.floor(1.5)",
        'return os.date("!%Y")',
        'return type(require("os").getenv("HOME"))',
        "return type(io.write)",
        "return type(debug.traceback)",
    ],
)
def test_a_script_of_the_config_map_has_no_library_but_table_and_two_functions_of_os(script):
    assert run(script, {}, open_libs=True)

    with pytest.raises(ScriptError):
        run(script, {}, open_libs=False)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("while true do end", "takes too long"),
        ("return 1 +", "unexpected symbol"),
        ('error("on purpose")', "on purpose"),
    ],
)
@pytest.mark.parametrize("open_libs", [True, False], ids=["all libraries", "closed"])
def test_a_script_that_does_not_end_or_is_wrong_fails(script, says, open_libs):
    with pytest.raises(ScriptError, match=says):
        run(script, {}, open_libs=open_libs, timeout=0.05)
