"""Programs that tests read files with: a clear word where one is missing, and on CI a failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def program(*names: str, package: str) -> str:
    """The first of these programs that this machine has."""
    for name in names:
        if found := shutil.which(name):
            return found
    missing = f"{names[0]} is not on this machine. On Debian: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def printed_text(path: Path) -> str:
    """The words of a PDF as they stand on its pages; a form feed ends each. Spaces of no width are left out."""
    command = [program("pdftotext", package="poppler-utils"), "-layout", "-enc", "UTF-8", str(path), "-"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.replace("\u200b", "")
