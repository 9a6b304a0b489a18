#!/usr/bin/env bash
# Fuzzes the kernels under AddressSanitizer and UndefinedBehaviorSanitizer: tools/asan.sh [SECONDS [ARGUMENTS]], 60 by
# default; the arguments, such as --seed 2, go to tools/fuzz_kernels.py.
# Needs gcc and an interpreter with Cython, NumPy, pyarrow and xxhash: $PYTHON, or .venv/bin/python. Builds in a temporary
# folder; the checkout stays as it is. Ends with a status other than 0 on any report.
set -eu

seconds=${1:-60}
if [ $# -gt 0 ]; then shift; fi
root=$(cd "$(dirname "$0")/.." && pwd)
python=$(command -v "${PYTHON:-$root/.venv/bin/python}") || { echo "no interpreter at ${PYTHON:-.venv/bin/python}" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/src"
cp -r "$root/src/dedup" "$work/src/dedup"
kernels=$work/src/dedup/kernels
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
for name in _kernel _blocks; do
    rm -f "$kernels/$name".c "$kernels/$name"*.so
    (cd "$work/src" && "$python" -m cython -3 "dedup/kernels/$name.py")
    gcc -shared -fPIC -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
        -DPy_LIMITED_API=0x030B0000 -I"$include" "$kernels/$name.c" -o "$kernels/$name.abi3.so"
done

fuzz() {
    # CPython keeps memory until it ends, which is no leak of ours. Its own allocator would hide the ends of blocks.
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1:allocator_may_return_null=1:quarantine_size_mb=64 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    PYTHONMALLOC=malloc PYTHONPATH="$work/src" PYTHONDONTWRITEBYTECODE=1 \
    "$python" "$root/tools/fuzz_kernels.py" --kernel-in "$kernels" "$@"
}

# A sanitizer that is not at work finds nothing either: it has to see a read beyond a block first, in each kernel.
for name in _kernel _blocks; do
    if fuzz --plant "$name" >"$work/planted" 2>&1 || ! grep -q heap-buffer-overflow "$work/planted"; then
        cat "$work/planted" >&2
        echo "the sanitizer did not see a fault planted in $name" >&2
        exit 3
    fi
done
fuzz --seconds "$seconds" "$@"
