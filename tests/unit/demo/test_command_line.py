"""The demo's command line: what cannot be had is said in a sentence, and Ctrl-C is no error of the program."""

import signal

import pytest

from controlplane import ControlPlaneError
from demo.__main__ import main
from demo.installation import Installation


@pytest.fixture(autouse=True)
def signals(monkeypatch):
    """Leave pytest's own signal handlers alone."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def start(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(Installation, "start", fail)
    monkeypatch.setattr("sys.argv", ["demo", "--once"])
    return main()


def test_a_control_plane_that_cannot_be_had_ends_in_its_own_message(monkeypatch, capsys):
    assert start(monkeypatch, ControlPlaneError("no kubectl for this machine: put it on PATH")) == 1

    assert capsys.readouterr().err == "\nerror: no kubectl for this machine: put it on PATH\n"


def test_an_interruption_before_the_end_is_told_by_the_exit_code(monkeypatch, capsys):
    assert start(monkeypatch, KeyboardInterrupt()) == 130

    assert "Stopped, and everything removed" in capsys.readouterr().out
