"""The operator as a process of its own, as in production: started, stopped, killed."""

import contextlib
import copy
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Self

from tenacity import RetryError, retry, retry_if_result, stop_after_delay, wait_fixed

from harness.launch import Running, end, fresh

READY = "The operator is ready"
START_TIMEOUT = 300.0
"""Seconds; about 2 on an idle machine."""

STOP_TIMEOUT = 60.0

QUICK: Mapping[str, object] = {
    "job_poll_interval": 0.3,
    "poll_interval": 1.0,
    "stats_interval": 1.0,
    "settle_time": 0.5,
    "secret_interval": 1.0,
    "terminal_retry": 5.0,
    "wait_retry": 0.5,
    "backoff_base": 0.2,
    "backoff_cap": 2.0,
    "cancel_timeout": 10.0,
    "release_timeout": 10.0,
    "shutdown_grace": 10.0,
    "budget_limit": 1_000_000,
    "log_level": "DEBUG",
    "http_host": "127.0.0.1",
    "http_port": 0,
}
"""Settings that make tests short. What they shorten is waiting, never a step."""


class OperatorProcess:
    """An operator that serves one or more Kubernetes namespaces against one API server and one Cloudflare.

    Parameters
    ----------
    kubeconfig
        Whom the operator is in Kubernetes.
    namespaces
        What it watches; none means all.
    api_url
        Base URL of the Cloudflare API, with its version.
    log_file
        Where its log goes; a restart appends.
    launch
        How the process is started: see `harness.launch`.
    settings
        Fields of `aisearch_operator.settings.Settings`, over `base`.

    Attributes
    ----------
    base
        Settings in place of the operator's own defaults.
    """

    base: ClassVar[Mapping[str, object]] = QUICK

    def __init__(
        self,
        kubeconfig: Path,
        namespaces: tuple[str, ...],
        api_url: str,
        log_file: Path,
        *,
        launch: Callable[[Mapping[str, str], Path], Running] = fresh,
        **settings: object,
    ) -> None:
        self._launch = launch
        self._log_file = log_file
        self._read_from = 0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AISEARCH_")}
        wanted = {"namespaces": ",".join(namespaces), "api_url": api_url, **self.base, **settings}
        self._env = (
            inherited
            | {"KUBECONFIG": str(kubeconfig), "PYTHONUNBUFFERED": "1"}
            | {"TMPDIR": str(log_file.parent)}  # so that what a killed operator leaves is removed with its log
            | {f"AISEARCH_{name.upper()}": str(value) for name, value in wanted.items()}
        )
        self._process: Running | None = None

    def with_settings(self, **settings: object) -> Self:
        """Make another one with other settings, which writes to the same log; this one ends."""
        self.stop()
        other = copy.copy(self)
        other._env = self._env | {f"AISEARCH_{name.upper()}": str(value) for name, value in settings.items()}
        return other

    def beside(self, kubeconfig: Path, log_file: Path | None = None, **settings: object) -> Self:
        """Make another one that runs beside this one, as somebody else in Kubernetes; it may write to the same log."""
        other = copy.copy(self)
        other._process = None
        other._log_file = log_file or self._log_file
        other._env = (
            self._env
            | {"KUBECONFIG": str(kubeconfig)}
            | {f"AISEARCH_{name.upper()}": str(value) for name, value in settings.items()}
        )
        return other

    def start(self, *, wait: bool = True) -> Self:
        """Start the process, and wait until it makes passes.

        Raises
        ------
        RuntimeError
            It ended, or takes longer than `START_TIMEOUT`; the message ends with its log.
        """
        self._read_from = self._log_file.stat().st_size if self._log_file.exists() else 0
        self._process = self._launch(self._env, self._log_file)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until the process knows every resource, and makes passes.

        Raises
        ------
        RuntimeError
            It ended, or takes longer than `START_TIMEOUT`; the message ends with its log.
        """
        waiting = retry(
            retry=retry_if_result(lambda ready: not ready), stop=stop_after_delay(START_TIMEOUT), wait=wait_fixed(0.05)
        )
        try:
            waiting(self._is_ready)()
        except RetryError:
            msg = f"the operator is not ready after {START_TIMEOUT:.0f} s:\n{self._fresh_log()[-3000:]}"
            raise RuntimeError(msg) from None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code; -9 if it had to be killed after `STOP_TIMEOUT`."""
        process, self._process = self._process, None
        if process is None:
            return 0
        end(process, signal.SIGTERM)
        code: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(STOP_TIMEOUT)
        return _killed(process) if code is None else code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and wait for nothing."""
        assert self._process is not None
        end(self._process, number)

    def wait_ended(self, timeout: float = STOP_TIMEOUT) -> int | None:
        """Wait for the process to end by itself, and return its exit code; None when it does not."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout)
        return None

    def kill(self) -> None:
        """Send SIGKILL, as the kernel does when memory runs out, and wait for the end."""
        process, self._process = self._process, None
        if process is not None:
            _killed(process)

    @property
    def log(self) -> str:
        """All that the process, and those before it, wrote."""
        return self._log_file.read_text(encoding="utf-8") if self._log_file.exists() else ""

    def check(self) -> None:
        """Raise a `RuntimeError` with the end of its log if the process has ended by itself."""
        assert self._process is not None
        if self._process.poll() is not None:
            msg = f"the operator ended with exit code {self._process.poll()}:\n{self._fresh_log()[-3000:]}"
            raise RuntimeError(msg)

    def _is_ready(self) -> bool:
        self.check()
        return READY in self._fresh_log()

    def _fresh_log(self) -> str:
        log = self._log_file.read_bytes() if self._log_file.exists() else b""
        return log[self._read_from :].decode(errors="replace")

    def __enter__(self) -> Self:
        return self if self._process is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def _killed(process: Running) -> int:
    end(process, signal.SIGKILL)
    code = process.wait()
    assert code is not None
    return code
