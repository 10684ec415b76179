"""Reads deploy/argocd/resource_customizations, which has the layout of Argo CD's own folder of that name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["DEPLOY", "Customization", "customizations", "load"]

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "argocd"


class _Loader(yaml.SafeLoader):
    """Leaves time stamps the text that they are, as the YAML library of Argo CD does."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path) -> Any:
    """Read a YAML file as Argo CD does."""
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


@dataclass(frozen=True, slots=True)
class Customization:
    """What is there for one kind.

    Parameters
    ----------
    folder
        ``<group>/<kind>``.
    """

    folder: Path

    @property
    def key(self) -> str:
        """The kind in the keys of `argocd-cm`."""
        return f"{self.folder.parent.name}_{self.folder.name}"

    @property
    def kind(self) -> str:
        """The kind."""
        return self.folder.name

    @property
    def health(self) -> str:
        """The script that judges a resource."""
        return (self.folder / "health.lua").read_text(encoding="utf-8")

    @property
    def discovery(self) -> str:
        """The script that lists the actions of a resource."""
        return (self.folder / "actions" / "discovery.lua").read_text(encoding="utf-8")

    @property
    def actions(self) -> Mapping[str, str]:
        """The scripts of the actions, by name."""
        found = sorted((self.folder / "actions").glob("*/action.lua"))
        return {path.parent.name: path.read_text(encoding="utf-8") for path in found}


def customizations(deploy: Path = DEPLOY) -> tuple[Customization, ...]:
    """Find the kinds that something is there for."""
    scripts = sorted((deploy / "resource_customizations").glob("*/*/health.lua"))
    return tuple(Customization(script.parent) for script in scripts)
