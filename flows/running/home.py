"""The one private folder in which everything is kept: database, cached answers, logs, reports."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from tasks.errors import InvalidInputError

VARIABLE: Final = "CODEGRADER_HOME"


def home_path() -> Path:
    """Where the private folder is, or would be: nothing is made."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    default = Path("/var/lib/codegrader") if is_root else Path.home() / ".codegrader"
    return Path(os.environ.get(VARIABLE) or default).expanduser().absolute()


def home_folder(part: str = "") -> Path:
    """The private folder, or a part of it, made with access for its owner alone, as is all that this process makes.

    `CODEGRADER_HOME` names it. By default it is `~/.codegrader`; for root `/var/lib/codegrader`, since the embedded
    PostgreSQL runs as another user then and makes every folder above its own traversable for all.

    Raises:
        InvalidInputError: it cannot be written to.
    """
    # Some of it is written by others, such as the cached answers by Prefect, with the mode that the process gives.
    os.umask(0o077)
    return make_private(home_path() / part, VARIABLE)


def make_private(folder: Path, setting: str) -> Path:
    """Makes a folder for its owner alone, unless it is there.

    Raises:
        InvalidInputError: it cannot be written to; the setting that names another is told.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InvalidInputError(
            f"{folder} cannot be used ({error.strerror}): set {setting} to another folder"
        ) from error
    return folder
