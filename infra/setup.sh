#!/bin/sh
# Makes one environment from its pinned file: sh infra/setup.sh control|engine-cpu|engine-cuda|docs [PYTHON]
set -eu
pins=$1 asked=${2:-}
name=${pins%%-*}
cd "$(dirname "$0")/.."
bin=$PWD/.venv/$name/bin
file=infra/requirements/$pins.txt
refuse() {
    echo "$* Remove .venv/$name, then make it again." >&2
    exit 1
}
version() { "$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])'; }
for made in "$bin"/.done-*; do
    [ "$made" = "$bin/.done-$pins" ] || [ ! -e "$made" ] ||
        refuse ".venv/$name was made for ${made##*.done-} and can't hold $pins too."
done
if [ ! -x "$bin/python" ]; then
    base=$(sh infra/python.sh "$asked")
    "$base" -m venv ".venv/$name"
elif [ -n "$asked" ]; then
    base=$(sh infra/python.sh "$asked")
    [ "$(version "$base")" = "$(version "$bin/python")" ] ||
        refuse ".venv/$name has $(version "$bin/python"), and PYTHON=$asked is $(version "$base")."
fi
echo "Setting up the $name environment (.venv/$name) with $("$bin/python" --version) from $file"
pip() { "$bin/python" -m pip --disable-pip-version-check install --quiet --quiet --no-deps "$@"; }
if [ "$pins" = engine-cpu ]; then
    # the CPU build of torch comes from pip's own configuration, else from PyTorch's index for CPUs
    torch=$(grep '^torch==' "$file")
    pip "$torch" 2>/dev/null || pip --index-url https://download.pytorch.org/whl/cpu "$torch"
fi
# every package is pinned, so pip has nothing to resolve; the CPU vLLM's wish for torchvision and others, which do not
# fit the CPU torch, is left out on purpose
pip -r "$file"
if [ "$pins" = engine-cuda ]; then
    # an index may offer a build for CPUs under the very same version
    "$bin/python" -c 'import sys, torch; sys.exit(torch.version.cuda is None)' ||
        refuse "pip's index gave a build for CPUs as $(grep '^torch=' "$file"). Set PIP_INDEX_URL to one with the CUDA build."
fi
if [ "$name" = control ]; then
    pip --no-build-isolation --editable .
fi
touch "$bin/.done-$pins"
