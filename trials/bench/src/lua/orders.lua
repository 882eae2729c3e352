-- POST /orders: a random customer and body, and a unique Idempotency-Key. Needs a thread for each of ADDRESSES.
local dir = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local c = dofile(dir .. "fixture.lua")
local run, n, headers = os.getenv("RUN"), 0, {}

-- Runs before init, in the state that all threads share.
local threads = 0
function setup(thread)
  threads = threads + 1
  local at = 0
  for host, port in os.getenv("ADDRESSES"):gmatch("(%S+):(%d+)") do
    at = at + 1
    if at == threads then thread.addr = wrk.lookup(host, port)[1] end
  end
  thread:set("number", threads)
end

function init(args)
  math.randomseed(os.time() + number)
  for i, token in ipairs(c.tokens) do
    headers[i] = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token, ["Prefer"] = os.getenv("PREFER")}
  end
end

function request()
  local header = headers[math.random(#headers)]
  n = n + 1
  header["Idempotency-Key"] = run .. "-" .. number .. "-" .. n .. (now and string.format("-%.0f", now()) or "")
  return wrk.format("POST", "/orders", header, c.bodies[math.random(#c.bodies)])
end

done = c.done
