"""
The load generator when `wrk` is installed: a script for it that sends the requests of a file, in order.
"""

from __future__ import annotations

import json
from pathlib import Path

_SCRIPT = """
local requests = {}
local number = 0
init = function(args)
  local file = assert(io.open(%s, "rb"))
  for request in file:read("*a"):gmatch("[^%%z]+") do
    requests[#requests + 1] = request
  end
  file:close()
end
request = function()
  number = number + 1
  return requests[number %% #requests + 1]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"answered":%%d,"refused":%%d,"broken":%%d,"microseconds":%%d}\\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout, summary.duration))
end
"""


def write_script(path: Path, requests: Path) -> None:
    """
    Write the script for one run.

    Args:
        requests: file of `beacons.write_requests`.
    """
    # A JSON string without control characters is a Lua string too.
    path.write_text(_SCRIPT % json.dumps(str(requests)), encoding="utf-8")
