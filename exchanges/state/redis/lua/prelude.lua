-- What every step begins with: the moment, whether writes were lost, and what hosts that died have left.
--
-- KEYS[1]  all keys of one server of an exchange begin with it; it holds their hash tag
-- ARGV     1 who asks, 2 the run id of the server, 3 the epoch that they know, empty for none, 4 the write counter that
--          they saw last, 5 the latest moment that it can be by their own clock, -1 if they know none, 6 the request as
--          JSON
--
-- Before it are the constants, in microseconds, and `time`, the clock of the server. Moments are whole microseconds on
-- the clock of this state: that of the server, plus an offset that keeps it from ever going back. Numbers of that size
-- are written with `text`: tostring and cjson.encode keep 14 digits.
--
-- Whatever raises an error is reported with the key that was used last: see `scripts.py`.

local root, me, run, known = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local seen, latest = tonumber(ARGV[4]), tonumber(ARGV[5])
local request = cjson.decode(ARGV[6])

local function text(number)
  return string.format('%.0f', number)
end

local wall = time[1] * 1000000 + time[2]
local meta = redis.call(
  'HMGET', root .. 'meta', 'run', 'writes', 'high', 'offset', 'epoch', 'began', 'reason', 'format', 'checked', 'evicts'
)
if meta[1] and meta[8] ~= FORMAT then
  error('format ' .. (meta[8] or 'unknown') .. ', not ' .. FORMAT, 0)
end
local writes, high, offset = tonumber(meta[2] or 0), tonumber(meta[3] or 0), tonumber(meta[4] or 0)
local epoch, began, reason = meta[5] or '', tonumber(meta[6] or 0), meta[7] or ''
local checked = tonumber(meta[9] or -math.huge)
if not (writes and high and offset and began and checked) then
  error('no number', 0)
end
local now = wall + offset
if now < high then
  -- The clock was set back. Nobody knows how long ago, so it goes on from the last moment: slots are free too late.
  now, offset = high, high - wall
end

-- Lost writes ---------------------------------------------------------------------------------------------------------

local function lose_writes(why)
  checked = -math.huge -- to be checked now, whatever the clock was
  began, reason, writes = now, why, math.max(writes, seen)
  epoch = text(wall) .. '-' .. text(writes) .. '-' .. run
  for _, place in ipairs(redis.call('HKEYS', root .. 'longest')) do
    -- Written by a clock that was ahead.
    local later = redis.call('ZRANGEBYSCORE', root .. 'slots:' .. place, '(' .. text(now + MARGIN + LOST), '(inf')
    for _, slot in ipairs(later) do
      redis.call('ZADD', root .. 'slots:' .. place, text(now + MARGIN + LOST), slot)
    end
  end
  -- Nobody could reach a server that was gone. Hosts that live report what they hold before anything is granted.
  for _, host in ipairs(redis.call('ZRANGE', root .. 'alive', 0, -1)) do
    redis.call('ZADD', root .. 'alive', text(now + LEASE), host)
  end
  for _, account in ipairs(redis.call('HKEYS', root .. 'since')) do
    redis.call('HSET', root .. 'since', account, text(wall))
  end
  redis.call('DEL', root .. 'settled')
  redis.call(
    'HSET', root .. 'meta', 'run', run, 'writes', text(writes), 'high', text(now), 'offset', text(offset),
    'epoch', epoch, 'began', text(began), 'reason', reason, 'format', FORMAT
  )
end

if not meta[1] then
  lose_writes(known == '' and 'new' or 'emptied')
elseif meta[1] ~= run then
  lose_writes('restarted')
elseif known ~= '' and known ~= epoch and reason == 'new' then
  -- A host that knew nothing came first.
  lose_writes('emptied')
elseif known == epoch and writes < seen then
  lose_writes('older')
elseif latest >= 0 and now > latest + JUMP then
  now = latest
  offset = now - wall
  lose_writes('stepped')
elseif writes < seen then
  -- What it saw was lost with an epoch that has ended.
  writes = seen
  redis.call('HSET', root .. 'meta', 'writes', text(writes))
end

local function gathering()
  return math.max(began + LEASE - now, 0)
end

-- Answers -------------------------------------------------------------------------------------------------------------

local function answer(...)
  return { epoch, text(writes), text(now), reason, text(began), ... }
end

local function written(...)
  writes = writes + 1
  redis.call('HSET', root .. 'meta', 'writes', text(writes), 'high', text(now), 'offset', text(offset))
  return answer(...)
end

-- Whether the server may delete keys by itself: an evicted nonce, slot or call is one that never was ---------------------

if now >= checked + CHECK then
  local policy = server.call('INFO', 'memory'):match('maxmemory_policy:([%w-]+)') or 'unknown'
  if policy ~= 'noeviction' then
    redis.call('HSET', root .. 'meta', 'evicts', policy)
    return answer('evicts', policy)
  end
  if meta[10] then
    lose_writes('evicted')
    redis.call('HDEL', root .. 'meta', 'evicts')
  end
  redis.call('HSET', root .. 'meta', 'checked', text(now))
end

-- Leases: who, fencing number, until when, the account whose key lock it holds ('' for none), and its limits -----------

local function unlock(account, id)
  -- By its id, as fencing numbers begin anew on a server that was emptied.
  if redis.call('HGET', root .. 'lock:' .. account, 'lease') == id then
    redis.call('DEL', root .. 'lock:' .. account)
  end
end

local function end_as_lost(id, lease)
  redis.call('HDEL', root .. 'held', id)
  for n = 5, #lease do
    redis.call('ZADD', root .. 'slots:' .. lease[n], 'XX', text(now + MARGIN + LOST), id)
  end
  if lease[4] ~= '' then
    unlock(lease[4], id)
  end
end

local function read_lease(packed)
  used = root .. 'held'
  local lease = cmsgpack.unpack(packed)
  if type(lease) ~= 'table' or type(lease[3]) ~= 'number' then
    error('no lease', 0)
  end
  return lease
end

local function bury()
  local dead = redis.call('ZRANGEBYSCORE', root .. 'alive', '-inf', '(' .. text(now))
  if #dead == 0 then
    return
  end
  local is_dead = {}
  for _, host in ipairs(dead) do
    is_dead[host] = true
    for _, place in ipairs(redis.call('HKEYS', root .. 'longest')) do
      redis.call('SREM', root .. 'signers:' .. place, host)
    end
  end
  local held = redis.call('HGETALL', root .. 'held')
  for n = 1, #held, 2 do
    local lease = read_lease(held[n + 1])
    if is_dead[lease[1]] then
      end_as_lost(held[n], lease)
    end
  end
  redis.call('ZREM', root .. 'alive', unpack(dead))
end

local function live()
  -- Returns whether it is new: then whatever it held was ended as lost.
  local is_new = not redis.call('ZSCORE', root .. 'alive', me)
  redis.call('ZADD', root .. 'alive', text(now + LEASE), me)
  return is_new and '1' or ''
end

-- Lines: by rank and host, since which write it waits and until when it will have asked again -------------------------

local function parted(line)
  local waiting, fields = {}, redis.call('HGETALL', line)
  for n = 1, #fields, 2 do
    local rank, host = fields[n]:match('^(%d):(.*)$')
    local since, due = fields[n + 1]:match('^(%d+) (%d+)$')
    if tonumber(due) + PATIENCE < now then
      redis.call('HDEL', line, fields[n])
    else
      table.insert(waiting, { rank = tonumber(rank), host = host, since = tonumber(since), due = tonumber(due) })
    end
  end
  return waiting
end

local function place_in(line, rank)
  local waiting, since, before = parted(line), writes, 0
  for _, other in ipairs(waiting) do
    if other.host == me and other.rank == rank then
      since = other.since
    end
  end
  for _, other in ipairs(waiting) do
    local is_first = other.rank < rank or (other.rank == rank and other.since < since)
    if other.host ~= me and other.due > now and is_first then
      before = before + 1
    end
  end
  return since, before
end

local function wait_in(line, rank, since, seconds)
  redis.call('HSET', line, rank .. ':' .. me, text(since) .. ' ' .. text(now + seconds + GRACE))
end

local function leave(line, rank)
  redis.call('HDEL', line, rank .. ':' .. me)
end

local function wake_next(account)
  if redis.call('EXISTS', root .. 'lock:' .. account) == 1 then
    return
  end
  local first
  for _, other in ipairs(parted(root .. 'line:' .. account)) do
    local is_first = not first or other.rank < first.rank or (other.rank == first.rank and other.since < first.since)
    if other.due > now and is_first then
      first = other
    end
  end
  if first then
    -- Whatever becomes of it: who waits asks again by itself.
    server.pcall('PUBLISH', root:match('^[^{]*') .. 'wake:' .. first.host, account)
  end
end

-- Nonces: up to 19 digits, which no number of Lua holds ---------------------------------------------------------------

local function larger(one, other)
  if #one ~= #other then
    return #one > #other and one or other
  end
  return one > other and one or other
end

local function successor(digits)
  local head, last, nines = digits:match('^(%d-)([0-8]?)(9*)$')
  if last == '' then
    last = '0'
  end
  return head .. (last + 1) .. ('0'):rep(#nines)
end

local function last_nonce(account)
  local last = redis.call('HGET', root .. 'nonces', account) or '0'
  if not last:match('^%d+$') or #last > 20 then
    error('no nonce', 0)
  end
  return last
end

local function raise_nonce(account, digits)
  local last = last_nonce(account)
  if larger(digits, last) ~= last then
    redis.call('HSET', root .. 'nonces', account, digits)
  end
end

-- Open calls: which write, the moment, the host, the body; in the order of what was written of them last --------------

local function add_call(account, id, at, body, marks)
  local calls, place = root .. 'calls:' .. account, text(writes + 1)
  if redis.call('HSETNX', calls, id, place .. ' ' .. at .. ' ' .. me .. ' ' .. body) == 1 then
    redis.call('ZADD', root .. 'order:' .. account, place, id)
    for _, mark in ipairs(marks) do
      redis.call('ZADD', root .. 'marks:' .. account, 0, mark .. ':' .. id)
    end
    redis.call('HSET', root .. 'marked:' .. account, id, table.concat(marks, ' '))
  end
end

local function doubt(account, id, ended_at)
  redis.call('HSET', root .. 'ended:' .. account, id, ended_at)
  redis.call('ZADD', root .. 'order:' .. account, text(writes + 1), id)
end

local function forget_names(account, found, since)
  for _, name in ipairs(found) do
    redis.call('ZREM', root .. 'made:' .. account, name)
    redis.call('ZREM', root .. 'names:' .. account, name)
  end
  -- The record begins where nothing is forgotten.
  if since > tonumber(redis.call('HGET', root .. 'since', account) or 0) then
    redis.call('HSET', root .. 'since', account, text(since))
  end
end

local function keep_name(account, name, at)
  local made = root .. 'made:' .. account
  redis.call('ZADD', made, text(at), name)
  redis.call('ZADD', root .. 'names:' .. account, 0, name)
  forget_names(account, redis.call('ZRANGEBYSCORE', made, '-inf', '(' .. text(at - KEPT), 'LIMIT', 0, 1000), at - KEPT)
  local most = redis.call('ZCARD', made) - MOST
  if most > 0 then
    local oldest = redis.call('ZRANGE', made, 0, most - 1)
    forget_names(account, oldest, tonumber(redis.call('ZSCORE', made, oldest[#oldest])) + 1)
  end
end

-- Return whether the call was open; what it made is kept either way.
local function settle(account, id, name, at)
  local value = redis.call('HGET', root .. 'calls:' .. account, id)
  if value then
    local found = value:match('^%d+ (%d+) ')
    at = tonumber(found)
    for mark in redis.call('HGET', root .. 'marked:' .. account, id):gmatch('%S+') do
      redis.call('ZREM', root .. 'marks:' .. account, mark .. ':' .. id)
    end
    for _, part in ipairs({ 'calls:', 'ended:', 'marked:' }) do
      redis.call('HDEL', root .. part .. account, id)
    end
    redis.call('ZREM', root .. 'order:' .. account, id)
    redis.call('HSET', root .. 'removed', account, text(writes + 1))
  end
  if name ~= '' and at then
    keep_name(account, name, at)
  end
  return value
end
