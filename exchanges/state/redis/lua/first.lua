-- Around all of a script: an error is answered with the key that was used last.

local server, used = redis, KEYS[1]
local redis = {
  call = function(name, key, ...)
    used = key
    return server.call(name, key, ...)
  end,
}

local function step()
