-- Record that a call has ended, with an unknown outcome or with what is known of it.

local account, id = request.account, request.id
local made, names, ended = root .. 'made:' .. account, root .. 'names:' .. account, root .. 'ended:' .. account
local value = redis.call('HGET', root .. 'calls:' .. account, id)
if not value then
  return answer('settled')
end
changed(account)
if request.ended_at ~= '' then
  redis.call('HSET', ended, id, request.ended_at)
  return written('settled')
end
redis.call('HDEL', root .. 'calls:' .. account, id)
redis.call('HDEL', ended, id)

local function forget(found, since)
  for _, name in ipairs(found) do
    redis.call('ZREM', made, name)
    redis.call('ZREM', names, name)
  end
  -- The record begins where nothing is forgotten.
  if since > tonumber(redis.call('HGET', root .. 'since', account) or 0) then
    redis.call('HSET', root .. 'since', account, text(since))
  end
end

if request.known ~= '' then
  local at = tonumber(value:match('^%d+ (%d+)'))
  redis.call('ZADD', made, text(at), request.known)
  redis.call('ZADD', names, 0, request.known)
  forget(redis.call('ZRANGEBYSCORE', made, '-inf', '(' .. text(at - KEPT), 'LIMIT', 0, 1000), at - KEPT)
  local most = redis.call('ZCARD', made) - MOST
  if most > 0 then
    local oldest = redis.call('ZRANGE', made, 0, most - 1)
    forget(oldest, tonumber(redis.call('ZSCORE', made, oldest[#oldest])) + 1)
  end
end
return written('settled')
