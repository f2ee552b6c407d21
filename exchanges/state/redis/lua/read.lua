-- Read the journal, or what is left of a limit.

local account = request.account
if request.what == 'headroom' then
  local answers = { redis.call('HGET', root .. 'closed:' .. request.place, 'body') or '' }
  for _, part in ipairs(request.parts) do
    local key = root .. 'slots:' .. part[1]
    for _, window in ipairs(part[2]) do
      local since = '(' .. text(now - window[2])
      local pause = gathering()
      if reason ~= 'new' then
        pause = math.max(pause, began + window[2] + MARGIN - now)
      end
      local first = redis.call('ZRANGEBYSCORE', key, since, 'inf', 'WITHSCORES', 'LIMIT', 0, 1)
      local wait = first[2] and first[2] ~= 'inf' and text(tonumber(first[2]) - now + window[2]) or ''
      local used = redis.call('ZCOUNT', key, since, 'inf')
      if pause > 0 then
        used, wait = window[1], text(pause)
      end
      table.insert(answers, text(math.max(window[1] - used, 0)))
      table.insert(answers, wait)
    end
  end
  return answer(unpack(answers))
end
if gathering() > 0 and reason ~= 'new' then
  -- Hosts that live have yet to report their calls.
  return answer('rests', text(gathering()))
end
if request.what == 'since' then
  return answer('read', redis.call('HGET', root .. 'since', account) or '')
end
if request.what == 'known' then
  local found = redis.call('ZRANGEBYLEX', root .. 'names:' .. account, '[' .. request.prefix, '[' .. request.prefix .. '\255')
  for _, name in ipairs(request.names) do
    if redis.call('ZSCORE', root .. 'names:' .. account, name) then
      table.insert(found, name)
    end
  end
  return answer('read', found)
end
local calls, order, marks = root .. 'calls:' .. account, root .. 'order:' .. account, root .. 'marks:' .. account
local number = redis.call('HLEN', calls)
-- A call that the other keys do not name would neither be listed nor keep the same one from being sent.
if redis.call('ZCARD', order) ~= number then
  error('not as many as in calls', 0)
end
if redis.call('ZCARD', marks) < number then
  error('fewer than in calls', 0)
end
local alive = redis.call('ZRANGEBYSCORE', root .. 'alive', text(now), 'inf')

local function rows_of(ids)
  local rows = {}
  for _, id in ipairs(ids) do
    local value, place = redis.call('HGET', calls, id), redis.call('ZSCORE', order, id)
    if value and place then
      table.insert(rows, { id, value, redis.call('HGET', root .. 'ended:' .. account, id) or '', place })
    end
  end
  return rows
end

if request.what == 'matching' then
  local ids = request.ids
  for _, mark in ipairs(request.marks) do
    for _, member in ipairs(redis.call('ZRANGEBYLEX', marks, '[' .. mark .. ':', '(' .. mark .. ';')) do
      table.insert(ids, member:sub(#mark + 2))
    end
  end
  return answer('read', alive, rows_of(ids))
end

-- Only what was written since, so many at a time; and which are open, if any was removed.
local since, removed = request.since, redis.call('HGET', root .. 'removed', account) or ''
if request.epoch ~= epoch then
  since, request.removed = '0', '-'
end
local ids, all = redis.call('ZRANGEBYSCORE', order, '(' .. since, 'inf', 'LIMIT', 0, PAGE), {}
local more = #ids == PAGE
if not more and request.removed ~= removed then
  all = redis.call('ZRANGE', order, 0, -1)
end
return answer('read', alive, epoch, more and '1' or '', removed, rows_of(ids), all)
