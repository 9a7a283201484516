"""Converts a trained student to one of the formats that it is served in.

Command: `python -m stillhouse.exports.convert_worker spec.json` (engine environment)
"""

import tempfile
from pathlib import Path
from typing import Any

from stillhouse.exports.convert import Conversion, convert
from stillhouse.exports.spec import ExportSpec
from stillhouse.runtime.worker import Reporter, serve


def export(spec: ExportSpec, report: Reporter) -> dict[str, Any]:
    """Write the export with its export.json into `spec.out`, and return its sizes."""
    report.log(f"converting to {spec.format} {spec.precision}")
    with tempfile.TemporaryDirectory(prefix="stillhouse-export-") as work:
        job = Conversion(Path(spec.folder), Path(spec.out), Path(work), spec.precision, spec.kind)
        manifest = convert(spec.format, job, spec.student)
    return {"size_bytes": manifest.size_bytes, "weight_bytes": manifest.weight_bytes, "tools": manifest.tools}


if __name__ == "__main__":
    serve(ExportSpec, export)
