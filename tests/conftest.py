"""What all tests share: how many examples Hypothesis tries.

The environment variable HYPOTHESIS_PROFILE names the profile: "default", "few" (that of `make check`), "ci" (the same
examples every time) or "thorough".
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

# A busy machine draws slowly; that is no fault of a test.
_ALL: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("default", max_examples=50, **_ALL)
settings.register_profile("few", max_examples=5, **_ALL)
settings.register_profile("ci", max_examples=50, derandomize=True, **_ALL)
settings.register_profile("thorough", max_examples=2000, **_ALL)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
