"""What the version holds that tests publish."""

CARD = "---\nlicense: unknown\nbase_model: owner/small\n---\n\n# demo\n"
WEIGHTS = b"weights " * 2000
