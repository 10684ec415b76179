"""What deploy/image/Dockerfile says about the final image: its environment, user and command."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "ImageConfig", "read"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ImageConfig:
    """The final stage's configuration.

    Attributes
    ----------
    environment
        Of every process in a container of the image.
    user
        Number of the user, and of the group.
    entrypoint
        The command, without the arguments that a person or a Deployment gives.
    arguments
        The default arguments.
    """

    environment: dict[str, str]
    user: str
    entrypoint: list[str]
    arguments: list[str]


def read(path: Path = ROOT / "deploy" / "image" / "Dockerfile") -> ImageConfig:
    """Read the final stage's instructions."""
    text = re.sub(r"\\\n", " ", path.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    said: dict[str, str] = dict(line.split(maxsplit=1) for line in final)  # the last of each, as Docker takes them
    return ImageConfig(
        environment=dict(pair.split("=", 1) for pair in shlex.split(said["ENV"])),
        user=said["USER"],
        entrypoint=json.loads(said["ENTRYPOINT"]),
        arguments=json.loads(said["CMD"]),
    )
