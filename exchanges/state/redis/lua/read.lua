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
local alive = redis.call('ZRANGEBYSCORE', root .. 'alive', text(now), 'inf')
local version = redis.call('HGET', root .. 'changes', account) or '-'
if request.version == epoch .. ' ' .. version then
  return answer('same', alive)
end
return answer(
  'read',
  alive,
  epoch .. ' ' .. version,
  redis.call('HGETALL', root .. 'calls:' .. account),
  redis.call('HGETALL', root .. 'ended:' .. account)
)
