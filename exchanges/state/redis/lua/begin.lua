-- Record a call that is about to be sent.

bury()
if gathering() > 0 then
  return answer('rests', text(gathering()))
end
local is_new = live()
local calls = root .. 'calls:' .. request.account
redis.call('HSETNX', calls, request.id, text(writes + 1) .. ' ' .. request.at .. ' ' .. me .. ' ' .. request.body)
redis.call('HSETNX', root .. 'since', request.account, request.at)
changed(request.account)
return written('begun', is_new)
