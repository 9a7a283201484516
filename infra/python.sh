#!/bin/sh
# Prints the Python that environments are made with: sh infra/python.sh [PYTHON]
# That is PYTHON where it is given, else the first of the supported ones that is there.
set -eu
if [ -n "${1:-}" ]; then
    set -- "$1"
else
    set -- python3.11 python3.12 python3.13 python3
fi
# Debian and Ubuntu have Python without ensurepip until its venv package is installed
look='
import importlib.util, sys
version = "Python %d.%d.%d" % sys.version_info[:3]
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(version)
if importlib.util.find_spec("ensurepip") is None:
    sys.exit(version + " without venv (apt install python%d.%d-venv)" % sys.version_info[:2])
'
seen=
for python; do
    if said=$("$python" -c "$look" 2>&1); then
        echo "$python"
        exit
    fi
    # a name may be there and not run: pyenv has one for each version that it holds
    case $said in "Python "*) seen="$seen $python is $said;" ;; esac
done
echo "Stillhouse needs Python 3.11, 3.12 or 3.13 with venv. Looked for: $*. Found:${seen:- none;}" \
    "install one of them, or name it: make setup PYTHON=/path/to/python3.13" >&2
exit 1
