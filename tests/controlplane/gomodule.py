"""Programs of a Go module of this repository: built once for this machine, then taken from the cache."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from controlplane import cache, toolchain
from controlplane.errors import ControlPlaneError

_ERROR_TAIL = 20
_PLAIN_PROGRESS_SECONDS = 30


@dataclass(frozen=True)
class GoModule:
    """A Go module and what is wanted of it.

    Attributes
    ----------
    name
        Of the folder in the cache.
    folder
        Has ``go.mod``, ``go.sum`` and what is compiled of our own.
    programs
        In the order to build them: the one that compiles most of what the others link comes first.
    required
        The module that names the version.
    costs
        Time and disk of a build, for the person who waits.
    package
        Where ``{program}`` has its source: below the folder, or the path of a package of the required module.
    tags
        Build tags, separated by commas.
    link_flags
        For ``go build -ldflags``.
    files
        Of the required module: paths of files to keep beside the programs.
    way_out
        What to do when it cannot be built, beside giving it a Go module proxy.
    """

    name: str
    folder: Path
    programs: tuple[str, ...]
    required: str
    costs: str
    package: str = "./cmd/{program}"
    tags: str = ""
    link_flags: str = "-s -w"
    files: tuple[str, ...] = ()
    way_out: str = ""

    @property
    def version(self) -> str:
        """The version of the required module."""
        return self._directive(self.required)

    def provide(self) -> Path:
        """Return the folder with the programs and files, filled first if this machine does not have it.

        Raises
        ------
        ControlPlaneError
            They cannot be built; the message ends with Go's own.
        """
        return cache.provide(self.name, f"{self.version}-{self._fingerprint()}", self._build)

    def _build(self, into: Path) -> None:
        go = toolchain.find_go(minimum=self._directive("go"))
        scratch = cache.folder() / f"go-scratch-{self.name}"
        env = toolchain.environment(go, scratch)
        cache.step(f"building {self.name} {self.version}, once for this machine ({self.costs})")
        for number, program in enumerate(self.programs, start=1):
            command = [str(go), "build", "-v", "-tags", self.tags, "-ldflags", self.link_flags]
            command += ["-o", str(into / program), self.package.format(program=program)]
            title = f"{program} ({number} of {len(self.programs)})"
            self._run(title, command, env, into / f"{program}.log")
        if self.files:
            source = self._source(go, env)
            for path in map(Path, self.files):
                shutil.copyfile(source / path, into / path.name)
                (into / path.name).chmod(0o755)  # a module's archive knows no permissions, and one file is a script
        # Kept after a failure, so that the next attempt goes on from there; gigabytes are too much to keep for good.
        shutil.rmtree(scratch, ignore_errors=True)

    def _run(self, title: str, command: list[str], env: dict[str, str], log: Path) -> None:
        started = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                _show_progress(title, process, log, started)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if process.returncode:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-_ERROR_TAIL:])
            raise ControlPlaneError(
                f"{title} could not be built; it needs a Go module proxy within reach (GOPROXY names another) "
                f"and room below {cache.folder()} ({self.costs}). {self.way_out}Go says:\n{tail}"
            )

    def _source(self, go: Path, env: dict[str, str]) -> Path:
        command = [str(go), "list", "-m", "-f", "{{.Dir}}", self.required]
        outcome = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        if outcome.returncode:
            raise ControlPlaneError(f"no source of {self.required}. Go says:\n{outcome.stderr}")
        return Path(outcome.stdout.strip())

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in (self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("cmd/*/*.go"))):
            digest.update(f"{path.relative_to(self.folder)}\n".encode() + path.read_bytes())
        return digest.hexdigest()[:12]

    def _directive(self, name: str) -> str:
        match = re.search(
            rf"^\s*{re.escape(name)} (\S+)(?: // indirect)?$", (self.folder / "go.mod").read_text(), re.MULTILINE
        )
        if match is None:
            raise ControlPlaneError(f"{self.folder.name}/go.mod has no line for {name}")
        return match[1]


def _show_progress(title: str, process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    on_terminal = sys.stderr.isatty()
    next_line = 0.0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        elapsed = time.monotonic() - started
        done = process.poll() is not None
        if on_terminal or done or elapsed >= next_line:
            # `go build -v` writes one line for each package that it compiles.
            packages = sum(not line.startswith("go:") for line in log.read_text(errors="replace").splitlines())
            line = f"  {title}: {packages} packages compiled, {elapsed:.0f} s"
            print(line, end="\r" if on_terminal and not done else "\n", file=sys.stderr, flush=True)
            next_line = elapsed + _PLAIN_PROGRESS_SECONDS
        if done:
            return
