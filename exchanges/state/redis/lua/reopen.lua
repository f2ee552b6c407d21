-- Forget the lockouts of a limit.

redis.call('HDEL', root .. 'closed:' .. request.place, 'body')
redis.call('HSET', root .. 'closed:' .. request.place, 'version', text(writes + 1))
return written('reopened')
