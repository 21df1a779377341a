"""
How `loadtests/load.py` tells `loadtests/locustfile.py` what to do; apart from both, as importing locust changes how the
whole process waits.
"""

from __future__ import annotations

PLAN_VARIABLE = "LOAD_PLAN"
"""Environment variable with the path of the plan."""
PROGRESS_VARIABLE = "LOAD_PROGRESS"
"""Environment variable with the path of a file to which reports are added."""
