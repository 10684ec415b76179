"""Writes what puts the Lua into Argo CD's configuration: `python -m argocd_lua.config_map [--check]`.

Two files of the same content: a patch for the ConfigMap `argocd-cm`, and values for the Helm chart `argo-cd`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from argocd_lua.customizations import DEPLOY, customizations

__all__ = ["config_keys", "drift", "generate", "write"]

HEADER = "# Generated from resource_customizations/ by `make docs`: do not edit.\n"


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def config_keys(deploy: Path = DEPLOY) -> Mapping[str, str]:
    """Give the keys of `argocd-cm` with their values."""
    keys = {}
    for kind in customizations(deploy):
        keys[f"resource.customizations.health.{kind.key}"] = kind.health
        definitions = [{"name": name, "action.lua": script} for name, script in kind.actions.items()]
        keys[f"resource.customizations.actions.{kind.key}"] = _dump(
            {"discovery.lua": kind.discovery, "definitions": definitions}
        )
    return keys


def generate(deploy: Path = DEPLOY) -> Mapping[str, str]:
    """Make the files: by name."""
    keys = dict(config_keys(deploy))
    patch = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": keys}
    values = {"configs": {"cm": keys}}
    return {"argocd-cm-patch.yaml": HEADER + _dump(patch), "argo-cd-values.yaml": HEADER + _dump(values)}


def write(deploy: Path = DEPLOY) -> None:
    """Write the files."""
    for name, text in generate(deploy).items():
        (deploy / name).write_text(text, encoding="utf-8")


def drift(deploy: Path = DEPLOY) -> tuple[str, ...]:
    """Name the files that are not as `generate` makes them."""
    wanted = generate(deploy).items()
    return tuple(name for name, text in wanted if not (path := deploy / name).exists() or path.read_text() != text)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is not as it would be written.")
def main(*, check: bool) -> None:
    """Write the files of deploy/argocd that follow from its Lua."""
    if not check:
        write()
    elif drifted := drift():
        raise click.ClickException(f"{', '.join(drifted)} of deploy/argocd: not what the Lua says; run `make docs`")


def _dump(document: Mapping[str, Any]) -> str:
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


if __name__ == "__main__":
    main()
