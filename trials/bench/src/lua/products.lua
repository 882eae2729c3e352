-- GET /products/{sku}: a random customer and product.
local dir = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local c = dofile(dir .. "fixture.lua")
local ready = {}

-- Requests are built once, because wrk shares its cores with the services.
function init(args)
  math.randomseed(os.time())
  for i, body in ipairs(c.bodies) do
    local sku = body:match('"sku":"([^"]+)"')
    ready[i] = wrk.format("GET", "/products/" .. sku, {["Authorization"] = "Bearer " .. c.tokens[1 + i % #c.tokens]})
  end
end

function request() return ready[math.random(#ready)] end

done = c.done
