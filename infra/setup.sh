#!/bin/sh
# Makes one of the two environments from its pinned file: sh infra/setup.sh control|engine PYTHON cpu|cuda
set -eu
name=$1 python=$2 device=$3
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    { echo "Stillhouse needs Python 3.11; $("$python" --version) was found. Set PYTHON=/path/to/python3.11." >&2; exit 1; }
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
pip="$root/.venv/$name/bin/python -m pip --disable-pip-version-check"
file=infra/requirements/control.txt
[ "$name" = engine ] && file=infra/requirements/engine-$device.txt
echo "Setting up the $name environment (.venv/$name) from $file"
[ -x ".venv/$name/bin/python" ] || "$python" -m venv ".venv/$name"
if [ "$name" = engine ] && [ "$device" = cpu ]; then
    # the CPU build of torch comes from pip's own configuration, else from PyTorch's index for CPUs
    torch=$(grep '^torch==' "$file")
    $pip install --quiet --quiet --no-deps "$torch" 2>/dev/null ||
        $pip install --quiet --quiet --no-deps --index-url https://download.pytorch.org/whl/cpu "$torch"
fi
# every package is pinned, so pip has nothing to resolve; the CPU vLLM's wish for torchvision and others, which do not
# fit the CPU torch, is left out on purpose. Only a CUDA torch brings libraries of its own.
deps=--no-deps
[ "$device" = cuda ] && deps=
$pip install --quiet --quiet $deps -r "$file"
if [ "$name" = control ]; then
    $pip install --quiet --quiet --no-deps --no-build-isolation --editable .
fi
touch ".venv/$name/bin/.done"
