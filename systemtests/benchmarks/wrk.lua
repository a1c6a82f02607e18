-- wrk -s wrk.lua URL -- FILE START PAUSE
-- Sends the requests in FILE, each of which ends with a NUL, in a cycle from number START.
-- Each connection pauses for PAUSE milliseconds. There is no `response` function, because
-- wrk would spend its time on reading headers.

local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for one in file:read("*a"):gmatch("[^%z]+") do
    requests[#requests + 1] = one
  end
  file:close()
  at = tonumber(args[2]) % #requests
  local pause = tonumber(args[3])
  if pause > 0 then -- wrk is slower with it, even if it returns 0
    function delay() return pause end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answered": %d, "microseconds": %d, "bad_statuses": %d, "socket_errors": %d,'
      .. ' "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
