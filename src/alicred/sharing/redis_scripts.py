"""What a `RedisStore` lets the server do: three scripts, each one step, so that of many workers that ask at once one gets the lease.

An entry is a hash (generation, sealed, saved, keep, failures) and a string: the token of the lease, or ``!`` and the reason of a pause.
Whatever else has been put there counts as absent, and is overwritten. Every answer begins with the server's time, in milliseconds.
"""

from __future__ import annotations

import hashlib

import attrs

from alicred.sharing.store import LARGEST_GENERATION, LARGEST_RECORD

PAUSE = b"!"
"""Begins what stands in the place of a lease during a pause."""

# `read` calls a command; a key that holds something of another type is nothing to it. `whole` is the text of a whole number that a double
# holds exactly, or "0".
_COMMON = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(...)
    local found = redis.pcall(...)
    if type(found) == 'table' and found.err then
        if string.find(found.err, 'WRONGTYPE', 1, true) then return nil end
        return redis.call(...)
    end
    return found
end
local function whole(text)
    if text and string.match(text, '^[1-9]%d*$') and tonumber(text) < {LARGEST_GENERATION} then return text end
    return '0'
end
"""


@attrs.frozen
class Script:
    """A script.

    Args:
        body: What follows what all have in common.
    """

    body: str

    @property
    def text(self) -> str:
        """The whole program."""
        return _COMMON + self.body

    @property
    def digest(self) -> str:
        """SHA-1 of the text, in hex, by which the server knows it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


# newer_than, token, lease (ms; 0: none), deadline (ms; empty: none)
CLAIM = Script(
    f"""
if ARGV[4] ~= '' and now > tonumber(ARGV[4]) then return {{now, 'late'}} end
local record = read('HMGET', KEYS[1], 'generation', 'sealed', 'saved', 'keep', 'failures') or {{}}
local over, saved, keep = whole(record[1]), tonumber(whole(record[3])), tonumber(whole(record[4]))
local age = math.max(0, now - saved)
if tonumber(over) > tonumber(ARGV[1]) and record[2] and #record[2] <= {LARGEST_RECORD} and saved > 0 and age < keep then
    return {{now, 'stored', over, record[2], age, keep}}
end
local held = read('GET', KEYS[2])
local left = math.min(held and redis.call('PTTL', KEYS[2]) or 0, 86400000)
if left > 0 then return {{now, 'busy', left, string.sub(held, 1, 65)}} end
if ARGV[3] == '0' then return {{now, 'busy', 0, ''}} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {{now, 'lease', over, whole(record[5])}}
"""
)

# over, token, generation, sealed, keep (ms)
SAVE = Script(
    """
if read('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
local record = read('HMGET', KEYS[1], 'generation') or {}
local stored = whole(record[1])
if stored ~= '0' and stored ~= ARGV[1] then return {now, 'lost'} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'generation', ARGV[3], 'sealed', ARGV[4], 'saved', string.format('%.0f', now), 'keep', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {now, 'saved'}
"""
)

# token, pause (ms), what stands for the pause, how long the count of failures is kept (ms)
END = Script(
    """
if read('GET', KEYS[2]) ~= ARGV[1] then return {now, 'lost'} end
if ARGV[2] == '0' then
    redis.call('DEL', KEYS[2])
    return {now, 'ended'}
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
local record = read('HMGET', KEYS[1], 'failures')
if not record then redis.call('DEL', KEYS[1]) end
local failures = math.min(tonumber(whole(record and record[1])) + 1, 1000000)
redis.call('HSET', KEYS[1], 'failures', string.format('%.0f', failures))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return {now, 'ended'}
"""
)
