"""
The load generator when `wrk` is installed: its script is written from the same beacons.
"""

from __future__ import annotations

import json
from pathlib import Path

from loadtests.beacons import draw

_SCRIPT = """
local requests = {}
local number = 0
init = function(args)
%s
end
request = function()
  number = number + 1
  return requests[number %% #requests + 1]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"answered":%%d,"refused":%%d,"broken":%%d,"microseconds":%%d,"p99_us":%%d}\\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
    latency:percentile(99)))
end
"""


def write_script(path: Path, seed: int) -> None:
    """
    Write the script for one run.
    """
    lines: list[str] = []
    for headers, body in draw(seed):
        # JSON strings without control characters are Lua strings too.
        fields = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
        lines.append(f'  requests[#requests + 1] = wrk.format("POST", "/api/event", {{{fields}}}, {json.dumps(body)})')
    path.write_text(_SCRIPT % "\n".join(lines), encoding="utf-8")
