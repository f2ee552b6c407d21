-- Acquire slots, key lock and nonce of one call at once, or nothing.

local cancel = request.is_cancel and 0 or 1

local function rest()
  local pause = gathering()
  if reason ~= 'new' then
    for _, part in ipairs(request.parts) do
      for _, window in ipairs(part[2]) do
        pause = math.max(pause, began + window[2] + MARGIN - now)
      end
    end
  end
  return pause
end

-- Return how long it takes until a window has a slot beside those that are left to others.
local function wait_for(place, window, left, ended)
  local slots, seconds = window[1], window[2]
  if left >= slots then
    return seconds
  end
  local key = root .. 'slots:' .. place
  local at = slots - 1 - left + (ended and redis.call('ZCOUNT', key, 'inf', 'inf') or 0)
  local row = redis.call('ZREVRANGE', key, at, at, 'WITHSCORES')
  if #row == 0 then
    return 0
  end
  -- A call in flight has no end yet.
  return row[2] == 'inf' and seconds or math.max(tonumber(row[2]) - (now - seconds), 0)
end

local function forget_cool()
  for _, part in ipairs(request.parts) do
    -- The longest window that any host ever had for this limit: another one may still count these slots.
    local longest, known = 0, redis.call('HGET', root .. 'longest', part[1])
    for _, window in ipairs(part[2]) do
      longest = math.max(longest, window[2])
    end
    if not known or tonumber(known) < longest then
      redis.call('HSET', root .. 'longest', part[1], text(longest))
    else
      longest = tonumber(known)
    end
    redis.call('ZREMRANGEBYSCORE', root .. 'slots:' .. part[1], '-inf', text(now - longest))
  end
end

-- Return for how long there is no room, and for how long that is certain.
local function room()
  local line = root .. 'waits:' .. request.parts[1][1]
  local keeps = request.leave_reserve and redis.call('SCARD', root .. 'signers:' .. request.place) > 0
  local since, before = place_in(line, cancel)
  local seconds, certain = 0, 0
  for _, part in ipairs(request.parts) do
    for _, window in ipairs(part[2]) do
      local left = keeps and window[3] or 0
      seconds = math.max(seconds, wait_for(part[1], window, left + before, false))
      -- Calls in flight may give their slots back, and hosts leave the line; what cools is certain.
      certain = math.max(certain, wait_for(part[1], window, left, true))
    end
  end
  if seconds > 0 then
    wait_in(line, cancel, since, math.min(seconds, LOOK))
  else
    leave(line, cancel)
  end
  return seconds, certain
end

-- Return whether another call holds the key lock, or is before this one.
local function is_locked()
  local key, line = root .. 'lock:' .. request.account, root .. 'line:' .. request.account
  local lock = redis.call('HMGET', key, 'lease', 'until')
  if lock[1] and tonumber(lock[2]) <= now then
    -- Its host lives, but the call is long past its deadline.
    local lease = redis.call('HGET', root .. 'held', lock[1])
    if lease then
      end_as_lost(lock[1], read_lease(lease))
    end
    redis.call('DEL', key)
    lock = {}
  end
  local since, before = place_in(line, cancel)
  if lock[1] or before > 0 then
    wait_in(line, cancel, since, POLL)
    return true
  end
  leave(line, cancel)
  return false
end

local function grant()
  local fence = text(redis.call('HINCRBY', root .. 'meta', 'fence', 1))
  local locks = request.in_order and not request.overtakes
  -- Before anything is written: it may be no nonce.
  local last = request.in_order and last_nonce(request.account)
  local is_new = live()
  local lease = { me, fence, now + request.seconds, locks and request.account or '' }
  for _, part in ipairs(request.parts) do
    if #part[2] > 0 then
      redis.call('ZADD', root .. 'slots:' .. part[1], 'inf', request.id)
      table.insert(lease, part[1])
    end
  end
  redis.call('HSET', root .. 'held', request.id, cmsgpack.pack(lease))
  if locks then
    redis.call(
      'HSET', root .. 'lock:' .. request.account, 'lease', request.id, 'fence', fence, 'until', text(lease[3])
    )
  end
  local nonce = ''
  if request.in_order then
    nonce = larger(larger(request.least_nonce, text(math.floor(now / 1000))), successor(last))
    redis.call('HSET', root .. 'nonces', request.account, nonce)
  end
  return written('granted', fence, nonce, is_new)
end

-- A replica, or a server without memory, fails here, before anything is done.
redis.call('HSETNX', root .. 'meta', 'run', run)
bury()
local pause = rest()
if pause > 0 then
  return answer('rests', text(pause))
end
-- What lockouts mean is decided by the host, which sends back the version that it has read.
local closed = redis.call('HMGET', root .. 'closed:' .. request.place, 'version', 'body')
if closed[2] and closed[1] ~= request.closed then
  return answer('closed', closed[1], closed[2], redis.call('ZRANGEBYSCORE', root .. 'alive', text(now), 'inf'))
end
forget_cool()
local counts = false
for _, part in ipairs(request.parts) do
  counts = counts or #part[2] > 0
end
if counts then
  local seconds, certain = room()
  if seconds > 0 then
    return written('full', text(seconds), text(certain))
  end
end
if request.in_order and not request.overtakes and is_locked() then
  return written('locked')
end
if closed[2] and request.body ~= '' then
  redis.call('HSET', root .. 'closed:' .. request.place, 'version', text(writes + 1), 'body', request.body)
end
return grant()
