-- Report that a host lives, and after a loss of writes what it holds.

bury()
local is_new = live()
local held = redis.call('HGETALL', root .. 'held')
for n = 1, #held, 2 do
  -- A host may never have heard of it: a request that a connection delivers late is carried out late.
  local lease = read_lease(held[n + 1])
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
local mine = {}
for _, row in ipairs(request.settled) do
  local account, id, name, at = unpack(row)
  settle(account, id, name, tonumber(at))
  redis.call('SADD', root .. 'settled', id)
  writes = writes + 1
end
for _, row in ipairs(request.calls) do
  local account, id, body, at, ended_at, marks = unpack(row)
  mine[id] = true
  -- Another host may have settled it, of which this one has not heard.
  if redis.call('SISMEMBER', root .. 'settled', id) == 0 then
    add_call(account, id, at, body, marks)
    redis.call('HSETNX', root .. 'since', account, text(wall))
    if ended_at ~= '' then
      doubt(account, id, ended_at)
    end
    writes = writes + 1
  end
end
for _, id in ipairs(request.begun) do
  mine[id] = true
end
if request.is_due then
  -- A server that was restored from an older file lists calls that have ended since, as those of a host that lives.
  for _, account in ipairs(redis.call('HKEYS', root .. 'since')) do
    for _, id in ipairs(redis.call('ZRANGE', root .. 'order:' .. account, 0, -1)) do
      if not mine[id] and redis.call('HEXISTS', root .. 'ended:' .. account, id) == 0 then
        local host = redis.call('HGET', root .. 'calls:' .. account, id):match('^%d+ %d+ (%x+) ')
        if host == me then
          doubt(account, id, request.at)
          writes = writes + 1
        end
      end
    end
  end
end
if request.ends then
  -- Whatever it still holds is ended as lost, without waiting until it is taken for dead.
  redis.call('ZADD', root .. 'alive', text(now - 1), me)
  bury()
end
return written('beaten', is_new)
