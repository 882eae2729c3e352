-- Reads the file FIXTURE: tokens, an empty line, bodies of orders.
local M = {tokens = {}, bodies = {}}
local part, parts = 1, {M.tokens, M.bodies}
for line in io.lines(os.getenv("FIXTURE")) do
  if line == "" then part = part + 1 else table.insert(parts[part], line) end
end

-- Prints one line for the program that started wrk. Times are in microseconds.
function M.done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"sent":%d,"requests":%d,"refused":%d,"broken":%d,"micros":%d,"p50":%d,"p95":%d,"p99":%d}\n',
    sent and sent() or summary.requests, summary.requests, e.status, e.connect + e.read + e.write + e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end

return M
