#!/bin/sh
# Install a checkout into a virtual environment of its own: what is pinned, by digest, and nothing else.
#
#     deploy/install.sh CHECKOUT TARGET [PYTHON]
set -eu
checkout=$1 target=$2 python=${3:-python3}
pinned=$(mktemp)
trap 'rm -f "$pinned"' EXIT

# constraints/run.txt is for `make demo` as well, whose model server is of no use here.
awk '/^[^ #]/ { skip = /^xllamacpp==/ } !skip' "$checkout/constraints/run.txt" > "$pinned"

"$python" -m venv "$target"
pip() { "$target/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --no-deps --require-hashes -r "$pinned"
pip install --quiet --no-deps --no-build-isolation "$checkout"
pip uninstall --quiet --yes hatchling pip
