-- Around all of a script: an error is answered with the key that was used last.

local server, used = redis, KEYS[1]
local redis = {
  call = function(name, key, ...)
    used = key
    local reply = server.pcall(name, key, ...)
    if type(reply) == 'table' and reply.err then
      error(reply)
    end
    return reply
  end,
}

local function step()
