"""
`python -m daysalt` is `daysalt`.
"""

from __future__ import annotations

from daysalt.cli import main

main()
