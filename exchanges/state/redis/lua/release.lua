-- Release what one call holds, and record what the exchange answered. A second time does nothing.

bury()
local closed = redis.call('HMGET', root .. 'closed:' .. request.place, 'version', 'body')
if (closed[2] or request.is_refused) and (closed[1] or '') ~= request.closed then
  return answer('closed', closed[1] or '', closed[2] or '')
end
if (closed[2] or request.is_refused) and request.body ~= (closed[2] or '') then
  redis.call('HSET', root .. 'closed:' .. request.place, 'version', text(writes + 1))
  if request.body == '' then
    redis.call('HDEL', root .. 'closed:' .. request.place, 'body')
  else
    redis.call('HSET', root .. 'closed:' .. request.place, 'body', request.body)
  end
end

local held = redis.call('HGET', root .. 'held', request.id)
local since = text(now + MARGIN + (request.is_complete and 0 or LOST))
for _, place in ipairs(request.places) do
  if not request.is_sent then
    redis.call('ZREM', root .. 'slots:' .. place, request.id)
  else
    -- One that was ended as lost stays so. One that the server has lost is counted again.
    redis.call('ZADD', root .. 'slots:' .. place, held and 'XX' or 'NX', since, request.id)
  end
end
if held then
  redis.call('HDEL', root .. 'held', request.id)
  local lease = read_lease(held)
  if lease[4] ~= '' then
    unlock(lease[4], request.id)
  end
end
if request.leaves_line then
  leave(root .. 'line:' .. request.account, 0)
  leave(root .. 'line:' .. request.account, 1)
end
if request.floor ~= '' then
  raise_nonce(request.account, request.floor)
end
wake_next(request.account)
return written('released')
