"""Where this clone of Stillhouse lies; it is an application that runs from its clone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
