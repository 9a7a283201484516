"""The browser of tests that use Prefect's page, and where their pictures lie."""

import shutil

import pytest

from tests.support.paths import ROOT

CHROMIUM = shutil.which("chromium")
# kept from the last run of the tests; the pictures of README and guides are taken from here
PICTURES = ROOT / ".stillhouse" / "pictures"
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no browser; install Debian's package chromium")
