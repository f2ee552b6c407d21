-- Report that a host lives, and after a loss of writes what it holds.

bury()
local is_new = live()
local held = redis.call('HGETALL', root .. 'held')
for n = 1, #held, 2 do
  -- A host may never have heard of it: a request that a connection delivers late is carried out late.
  local lease = cmsgpack.unpack(held[n + 1])
  if lease[3] <= now then
    end_as_lost(held[n], lease)
  end
end
for _, place in ipairs(request.signers) do
  redis.call('SADD', root .. 'signers:' .. place, me)
  redis.call('HSETNX', root .. 'longest', place, 0)
end
for _, place in ipairs(request.left) do
  redis.call('SREM', root .. 'signers:' .. place, me)
end
for _, lease in ipairs(request.leases) do
  local id, fence, seconds, account, places = unpack(lease)
  if redis.call('HEXISTS', root .. 'held', id) == 0 then
    local record = { me, fence, now + seconds, account }
    for _, place in ipairs(places) do
      table.insert(record, place)
      redis.call('ZADD', root .. 'slots:' .. place, 'inf', id)
    end
    redis.call('HSET', root .. 'held', id, cmsgpack.pack(record))
    if account ~= '' and redis.call('EXISTS', root .. 'lock:' .. account) == 0 then
      redis.call('HSET', root .. 'lock:' .. account, 'lease', id, 'fence', fence, 'until', text(now + seconds))
    end
  end
  if tonumber(fence) > tonumber(redis.call('HGET', root .. 'meta', 'fence') or 0) then
    redis.call('HSET', root .. 'meta', 'fence', fence)
  end
end
for _, pair in ipairs(request.nonces) do
  raise_nonce(pair[1], pair[2])
end
for _, row in ipairs(request.calls) do
  local account, id, value, at, ended_at = unpack(row)
  redis.call('HSETNX', root .. 'calls:' .. account, id, text(writes + 1) .. ' ' .. at .. ' ' .. me .. ' ' .. value)
  redis.call('HSETNX', root .. 'since', account, text(wall))
  if ended_at ~= '' then
    redis.call('HSET', root .. 'ended:' .. account, id, ended_at)
  end
  changed(account)
end
if request.ends then
  -- Whatever it still holds is ended as lost, without waiting until it is taken for dead.
  redis.call('ZADD', root .. 'alive', text(now - 1), me)
  bury()
end
return written('beaten', is_new)
