#!/bin/sh
# Resolve the *.in files again and write the pinned *.txt files: requirements/pin.sh [--upgrade]
# Needs uv on PATH. One resolution for every supported CPython; a pin that differs between them carries a marker.
set -eu
cd "$(dirname "$0")"

compile() {
    name=$1
    shift
    echo "pinning $name.txt"
    uv pip compile --quiet --universal --python-version 3.10 --no-annotate --no-emit-index-url --no-emit-find-links \
        --custom-compile-command requirements/pin.sh "$@" "$name.in" --output-file "$name.txt"
}

compile dev "$@"
for part in build runtime demo test lint types pools mutate; do
    rm -f "$part.txt"
    compile "$part" --constraint dev.txt
done

# The clients go together in groups only; what the groups share with the rest has the same versions there.
shared=$(mktemp)
trap 'rm -f "$shared"' EXIT
grep -E '^(attrs|cffi|cryptography|hypothesis|mypy|mypy-extensions|pathspec|pluggy|pygments|pytest|pytest-timeout|sortedcontainers|urllib3)==' dev.txt >"$shared"
for group in current files nacos legacy middle; do
    rm -f "clients/$group.txt"
    compile "clients/$group" --constraint "$shared"
done
