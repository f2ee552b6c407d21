end

local is_done, answer = pcall(step)
if is_done then
  return answer
end
local problem = type(answer) == 'table' and answer.err or tostring(answer)
return server.error_reply('UNREADABLE ' .. used .. ' : ' .. problem:gsub('%s+', ' '))
