-- Record a call that is about to be sent.

bury()
if gathering() > 0 then
  return answer('rests', text(gathering()))
end
local account = request.account
if redis.call('ZCARD', root .. 'order:' .. account) >= OPEN then
  return answer('bound')
end
local is_new = live()
add_call(account, request.id, request.at, request.body, request.marks)
redis.call('HSETNX', root .. 'since', account, request.at)
return written('begun', is_new)
