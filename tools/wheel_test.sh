#!/usr/bin/env bash
# Builds the sdist and from it the wheel, and uses the wheel from empty environments: with the core dependencies alone on
# this Python, and the fast tests of the core on every other Python from 3.11 on that is found.
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$PWD

"$python" -m build --outdir "$work" . > "$work/log" 2>&1 || { tail -50 "$work/log"; exit 1; }
wheel=$(ls "$work"/dedup-*-cp311-abi3-*.whl)
echo "$wheel"

# Names in PATH may be shims of a Python that is not chosen.
others=()
for found in "$HOME"/.pyenv/versions/3.1[1-9]*/bin/python3 $(compgen -c python3.1 | sort -u); do
    minor=$("$found" -c 'import sys; print(sys.version_info.minor, end="")' 2> /dev/null) || continue
    if [ "$minor" -ge 11 ] && [ "$("$python" -c 'import sys; print(sys.version_info.minor, end="")')" != "$minor" ]; then
        others[minor]=$found
    fi
done
for other in "${others[@]}"; do
    "$other" --version
    name="$work/$(basename "$("$other" --version)")"
    "$other" -m venv "$name"
    "$name/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel" typer rich jinja2 \
        pytest pytest-timeout pytest-xdist hypothesis networkx scikit-learn datasketch polars pandas duckdb
    cp -r tests seeds docs pyproject.toml README.md "$name"
    (cd "$name" && bin/python -m pytest -q -n auto -m "not slow and not spark" \
        --ignore tests/kernels/test_fold_table.py \
        tests/kernels tests/matching tests/clustering tests/formats tests/stores tests/test_api.py tests/test_seeds.py)
done

"$python" -m venv "$work/empty"
"$work/empty/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
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
echo "tested with: $("$python" --version) ${others[*]}"
