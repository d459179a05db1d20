/* The Lua functions about what a provider allows: its prompt cache and its limits, one key
 * each (docs/redis.md). Part of store_scripts. */
#ifndef GC_COMMON_STORE_SCRIPTS_PROVIDER_H
#define GC_COMMON_STORE_SCRIPTS_PROVIDER_H

extern const char gc_lua_prefix_claim[];
extern const char gc_lua_prefix_warm[];
extern const char gc_lua_prefix_abandon[];
extern const char gc_lua_limit_take[];
extern const char gc_lua_limit_settle[];
extern const char gc_lua_limit_learn[];
extern const char gc_lua_limit_pause[];

#endif
