#!/usr/bin/env bash
# Builds the wheel, installs it with the core dependencies alone into an empty environment, and uses it from there.
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$PWD

"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" .
ls "$work"/dedup-*-cp311-abi3-*.whl
"$python" -m venv "$work/empty"
"$work/empty/bin/python" -m pip install --quiet --disable-pip-version-check "$work"/dedup-*.whl
cd "$work"
"$work/empty/bin/python" - "$here/seeds" <<'PYTHON'
import sys

import dedup

assert "site-packages" in dedup.__file__, dedup.__file__
result = dedup.deduplicate(sys.argv[1])
print(result)
assert result.summary()["clusters"] > 5
result.write("clusters.parquet")
result.write("clusters.jsonl")
assert dedup.compare("One two three four five.", "One two three four six.").edits[-1].kind == "replace"
try:
    result.report("clusters.html")
except dedup.DedupError as error:
    assert "dedup[report]" in str(error), error
else:
    raise AssertionError("the report was written without its extra")
PYTHON
# Without the extra, the command says which one is missing.
set +e
message=$("$work/empty/bin/dedup" plan 2>&1)
status=$?
set -e
echo "$message"
[ "$status" -eq 2 ]
case "$message" in *"dedup[cli]"*) ;; *) exit 1 ;; esac
