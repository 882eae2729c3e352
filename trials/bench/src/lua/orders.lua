-- POST /orders: a random customer and body, and a unique Idempotency-Key. Needs one thread, because keys are counted.
local dir = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local c = dofile(dir .. "fixture.lua")
local run, n, headers = os.getenv("RUN"), 0, {}

function init(args)
  math.randomseed(os.time())
  for i, token in ipairs(c.tokens) do
    headers[i] = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}
  end
end

function request()
  local header = headers[math.random(#headers)]
  n = n + 1
  header["Idempotency-Key"] = run .. "-" .. n .. (now and string.format("-%.0f", now()) or "")
  return wrk.format("POST", "/orders", header, c.bodies[math.random(#c.bodies)])
end

done = c.done
