-- POST /orders as in orders.lua, each when it is due: an open loop, limited by the number of connections. Needs one thread.
local dir = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds; long micros; } clock_value; int gettimeofday(clock_value *value, void *zone);")
local value, gap, due, sender = ffi.new("clock_value"), tonumber(os.getenv("GAP_MICROS")), nil, nil

-- The time in microseconds, which orders.lua appends to the keys.
function now()
  ffi.C.gettimeofday(value, nil)
  return tonumber(value.seconds) * 1e6 + tonumber(value.micros)
end

dofile(dir .. "orders.lua")

-- A free connection takes the next order. Orders that fall due while all are busy are skipped.
function delay()
  local at = now()
  due = math.max((due or at) + gap, at)
  return math.floor((due - at) / 1000)
end

local order = request
count = 0
function request()
  count = count + 1
  return order()
end

local assign = setup
function setup(thread)
  assign(thread)
  sender = thread
end

-- Read at the end, by fixture.lua.
function sent() return sender:get("count") end
