-- Record a call that is about to be sent.

bury()
if gathering() > 0 then
  return answer('rests', text(gathering()))
end
if not redis.call('ZSCORE', root .. 'alive', me) then
  -- Others take its calls for those of a host that died.
  return answer('dead')
end
live()
local calls = root .. 'calls:' .. request.account
redis.call('HSETNX', calls, request.id, text(writes + 1) .. ' ' .. request.at .. ' ' .. me .. ' ' .. request.body)
redis.call('HSETNX', root .. 'since', request.account, request.at)
return written('begun')
