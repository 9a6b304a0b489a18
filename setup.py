"""What pyproject.toml cannot say: the compiler's flags for this machine and the stable ABI of the wheel."""

import platform
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

FIRST_ABI = "0x030B0000"

if sys.platform == "win32":
    flags = ["/O2"]
else:
    flags = ["-O3", "-g0"]
    # NumPy's own baseline, so it excludes nobody; never -march=native, which is slower and not portable.
    if platform.machine() in ("x86_64", "AMD64"):
        flags.append("-march=x86-64-v2")

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"dedup.kernels.{name}",
                [f"src/dedup/kernels/{name}.py"],
                extra_compile_args=flags,
                define_macros=[("Py_LIMITED_API", FIRST_ABI)],
                py_limited_api=True,
            )
            for name in ("_kernel", "_blocks")
        ]
    ),
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
