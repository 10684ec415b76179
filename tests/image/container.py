"""Runs a command as a container does: a root file system of its own that is read-only, user 65532, no privilege.

    python -I -S container.py '{"binds": {"/in/container": "/on/host"}, …}' command argument…

It replaces itself with the command: signals and the exit code are the command's. It imports the standard
library alone, and needs root, or else user namespaces that are open to users.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["Container"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 1
"""The call is of Linux 5.12; its number is the same on all architectures."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


@dataclass(frozen=True)
class Container:
    """What a command sees, all of it read-only, and whom it runs as.

    Attributes
    ----------
    root
        An empty folder of the host to build the root file system on; nothing of it is seen outside.
    binds
        Files and folders of the host, by the path that they have in the container.
    links
        Symbolic links of the container, and where they lead.
    empty
        Folders that are to be empty, which may lie in one of ``binds``.
    uid
        User and group.
    """

    root: str
    binds: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)
    empty: Sequence[str] = ()
    uid: int = 65532

    def command(self, *arguments: str) -> list[str]:
        """Give the command line that runs a command in the container."""
        return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), json.dumps(asdict(self)), *arguments]

    def enter(self) -> None:
        """Put this process into the container.

        Raises
        ------
        OSError
            The kernel does not let this user do it.
        """
        privileged = os.geteuid() == 0
        if privileged:
            _check(_LIBC.unshare(_CLONE_NEWNS), "unshare")
        else:
            self._become_mapped()
        _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        _mount("none", self.root, "tmpfs", 0)
        for inside, outside in self.binds.items():
            point = Path(self.root + inside)
            if Path(outside).is_dir():
                point.mkdir(parents=True, exist_ok=True)
            elif not point.exists():
                point.parent.mkdir(parents=True, exist_ok=True)
                point.touch()
            _mount(outside, str(point), None, _MS_BIND | _MS_REC)
        for inside, target in self.links.items():
            link = Path(self.root + inside)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
        for inside in self.empty:
            _mount("none", self.root + inside, "tmpfs", 0)
        os.chroot(self.root)
        os.chdir("/")
        _make_read_only("/")
        if privileged:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
        _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
        # Whoever starts it may be killed; becoming another user has taken back what was set before.
        _check(_LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")

    def _become_mapped(self) -> None:
        """Be the container's user in a user namespace: with its capabilities until the command is executed."""
        user, group = os.geteuid(), os.getegid()
        _check(_LIBC.unshare(_CLONE_NEWNS | _CLONE_NEWUSER), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{self.uid} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{self.uid} {group} 1")


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")]


def _make_read_only(path: str) -> None:
    attributes = _MountAttributes(set=_READ_ONLY)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    done = _LIBC.syscall(_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, ctypes.byref(attributes), size)
    _check(done, "mount_setattr")


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    options = b"mode=755" if kind else None
    done = _LIBC.mount(source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), options)
    _check(done, f"mount {target}")


def _check(done: int, what: str) -> None:
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def main() -> None:
    """Become the command of the command line, in the container that it describes."""
    description, *command = sys.argv[1:]
    os.umask(0o022)  # the container's user must be able to enter the folders that are made for it
    Container(**json.loads(description)).enter()
    os.execve(command[0], command, os.environ)


if __name__ == "__main__":
    main()
