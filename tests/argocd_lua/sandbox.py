"""Runs a Lua script as Argo CD does: one resource in, one table out, a second, and not much of a library.

What Argo CD gives a script (its `util/lua`): the globals `obj` and `actionParams`; of the libraries base, package and
table, and by `require("os")` the two harmless functions of os. What is built into Argo CD may use all libraries, what
comes from `argocd-cm` may not. LuaJIT stands for gopher-lua here: Lua 5.1 with `goto`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lupa.luajit21 import LuaError, LuaRuntime, lua_type

__all__ = ["ScriptError", "run"]

TIMEOUT = 1.0
"""Seconds; Argo CD's own."""

PRELUDE = """
local open, timeout, now = ...
local base = {
  "_G", "_VERSION", "assert", "collectgarbage", "dofile", "error", "getfenv", "getmetatable", "ipairs", "load",
  "loadfile", "loadstring", "module", "next", "newproxy", "package", "pairs", "pcall", "print", "rawequal", "rawget",
  "rawset", "require", "select", "setfenv", "setmetatable", "table", "tonumber", "tostring", "type", "unpack", "xpcall",
  "obj", "actionParams",
}
local clock, deadline = os.clock, os.clock() + timeout
jit.off()  -- compiled code calls no hook
debug.sethook(function()
  if clock() > deadline then error("the script takes too long", 0) end
end, "", 1000)
local date = os.date
os.date = function(format, time) return date(format, time or now) end
if not open then
  local safe = { time = os.time, date = os.date }
  getmetatable("").__index = nil  -- ("x"):rep(3) is string.rep, too
  local allowed = {}
  for _, name in ipairs(base) do allowed[name] = true end
  for name in pairs(_G) do
    if not allowed[name] then _G[name] = nil end
  end
  for name in pairs(package.loaded) do
    if not allowed[name] then package.loaded[name] = nil end
  end
  package.preload.os = function() return safe end
end
"""


class ScriptError(Exception):
    """A script failed; the text is Lua's."""


def run(
    script: str,
    resource: Mapping[str, Any],
    *,
    open_libs: bool,
    parameters: Mapping[str, str] | None = None,
    now: datetime | None = None,
    timeout: float = TIMEOUT,
) -> Any:
    """Run a script on a resource and give what it returns, as JSON would hold it.

    Parameters
    ----------
    open_libs
        Whether the script may use all libraries.
    parameters
        What the user gave an action.
    now
        What time `os.date` tells; unset means the real one.
    timeout
        Seconds of the processor that the script has.

    Raises
    ------
    ScriptError
        It is no Lua, fails, or takes longer than it may.
    """
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    script_globals = lua.globals()
    script_globals.obj = _to_lua(lua, resource)
    script_globals.actionParams = _to_lua(lua, parameters or {})
    try:
        lua.execute(PRELUDE, open_libs, timeout, now and now.timestamp())
        return _from_lua(lua.execute(script, name="script"))
    except LuaError as error:
        raise ScriptError(str(error)) from error


def _to_lua(lua: LuaRuntime, value: Any) -> Any:
    match value:
        case Mapping():
            return lua.table_from({key: _to_lua(lua, item) for key, item in value.items()})
        case str():
            return value
        case Sequence():
            return lua.table_from([_to_lua(lua, item) for item in value])
        case _:
            return value


def _from_lua(value: Any) -> Any:
    """Make JSON as Argo CD does: an empty table is an empty list."""
    if lua_type(value) != "table":
        return value
    items = dict(value.items())
    if set(items) == set(range(1, len(items) + 1)):
        return [_from_lua(items[index]) for index in range(1, len(items) + 1)]
    return {key: _from_lua(item) for key, item in items.items()}
