"""Makes test_training.py's tiny base model without dropout, whose random numbers each process would draw for itself.

Command: `python -m tests.support.workers.steady_base FOLDER TEXT ...` (engine environment)
"""

import json
import sys
from pathlib import Path

from tests.support.workers.training import make_base

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    make_base(folder, sys.argv[2:])
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"attention_dropout": 0.0}))
