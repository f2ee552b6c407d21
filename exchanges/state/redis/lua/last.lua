end

local is_done, answer = pcall(step)
if is_done then
  return answer
end
-- What is no error of a command is one about a value that it has read.
local problem, code = answer, 'UNREADABLE '
if type(answer) == 'table' then
  problem = answer.err
  code = (problem:find('WRONGTYPE') or problem:find(' is not a')) and code or 'FAILED '
end
return server.error_reply(code .. used .. ' : ' .. problem:gsub('%s+', ' '))
