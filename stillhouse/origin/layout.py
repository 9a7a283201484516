"""Where statements and signatures lie: beside a version in the store, and in a folder that was pulled."""

ORIGIN = "origin"  # the folder's name in a pulled folder, and beside version.json in the store
STATEMENT = "statement.json"
ENVELOPE = "statement.dsse.json"  # the statement again, signed
MODEL_SIGNATURE = "model.sig"  # of the model's files, in a pulled folder
VERSION, REPORT, RECIPE = "version.json", "report.json", "recipe.yaml"
STUDENT = "student"  # the model that is no export


def documents_of(name: str, version: int, run_id: str) -> dict[str, str]:
    """Return the store's keys of the files that say what a version is, by their names."""
    run = f"runs/{run_id}"
    return {
        VERSION: f"models/{name}/versions/{version}/{VERSION}",
        REPORT: f"{run}/{REPORT}",
        RECIPE: f"{run}/{RECIPE}",
    }


def home_of(name: str, version: int) -> str:
    """Return the store's folder of a version's statement and signatures."""
    return f"models/{name}/versions/{version}/{ORIGIN}"


def signature_of(model: str) -> str:
    """Return the file name of the signature of `student` or an export, beside the version."""
    return f"{model}.sig"
