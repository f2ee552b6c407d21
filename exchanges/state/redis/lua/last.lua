end

local is_done, answer = pcall(step)
if is_done then
  return answer
end
-- An error of a command is a table since Redis 7, and begins with an @ before. All others are about values that were read.
local problem = type(answer) == 'table' and answer.err or answer
local is_refused = problem ~= answer or problem:sub(1, 1) == '@'
local code = is_refused and not (problem:find('WRONGTYPE') or problem:find(' is not a')) and 'FAILED ' or 'UNREADABLE '
return server.error_reply(code .. used .. ' : ' .. problem:gsub('%s+', ' '))
