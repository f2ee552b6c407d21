-- Record that a call has ended, with an unknown outcome or with what is known of it.

local account, id = request.account, request.id
if request.ended_at == '' then
  return settle(account, id, request.known) and written('settled') or answer('settled')
end
if redis.call('HEXISTS', root .. 'calls:' .. account, id) == 0 then
  return answer('settled')
end
doubt(account, id, request.ended_at)
return written('settled')
