/* Which prompts share a place in the provider's cache. */
#include <string.h>

#include "common/task.h"

static void add_block(gc_hasher *hasher, const gc_block *block)
{
    gc_sha sha;
    if (block->text)
        sha = gc_sha256(block->text, strlen(block->text));
    gc_hasher_text(hasher, block->text ? sha.hex : block->sha256);
}

/* Index of the last marked block + 1, 0 for none. */
static size_t marked(const gc_block *blocks, size_t count)
{
    while (count > 0 && !blocks[count - 1].mark)
        count--;
    return count;
}

bool gc_task_prefix(const gc_task *task, gc_sha *out)
{
    size_t user = marked(task->user, task->user_count);
    size_t system = user ? task->system_count : marked(task->system, task->system_count);
    if (system + user == 0)
        return false;
    gc_hasher *hasher = gc_hasher_new();
    gc_hasher_text(hasher, task->effort);
    gc_hasher_text(hasher, task->cache_ttl);
    for (size_t i = 0; i < system; i++)
        add_block(hasher, &task->system[i]);
    gc_hasher_text(hasher, "user");
    for (size_t i = 0; i < user; i++)
        add_block(hasher, &task->user[i]);
    *out = gc_hasher_finish(&hasher);
    return true;
}
