-- One workload for wrk: METHOD and TARGET, with the tokens of the file TOKENS one after another, and BODY and the lines of HEADERS if there are any.
-- Requests are formatted before the clock runs. The last line printed is JSON.
local formatted, position = {}, 0

function init(args)
  local body = os.getenv("BODY")
  if body == "" then body = nil end
  for token in io.lines(os.getenv("TOKENS")) do
    local headers = { ["Authorization"] = "Bearer " .. token }
    for name, value in (os.getenv("HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do headers[name] = value end
    if body then headers["Content-Type"] = "application/json" end
    formatted[#formatted + 1] = wrk.format(os.getenv("METHOD"), os.getenv("TARGET"), headers, body)
  end
end

function request()
  position = position + 1
  if position > #formatted then position = 1 end
  return formatted[position]
end

function done(summary, latency, requests)
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%f,"p99":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
