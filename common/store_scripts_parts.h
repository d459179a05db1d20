/* The Lua texts that store_scripts.c puts together: what all scripts may use, and the longer
 * functions. Part of store_scripts. */
#ifndef GC_COMMON_STORE_SCRIPTS_PARTS_H
#define GC_COMMON_STORE_SCRIPTS_PARTS_H

/* ---- store_scripts_lib.c: before every script; `flush()` ends it ---- */
extern const char gc_lua_lib[];
extern const char gc_lua_flush[];
/* Before the functions of MANY: reads ahead for all of them. */
extern const char gc_lua_ahead[];

/* ---- store_scripts_task.c ---- */
extern const char gc_lua_claim[];
extern const char gc_lua_renew[];
extern const char gc_lua_release[];
extern const char gc_lua_commit[];
extern const char gc_lua_settle[];
/* What each of them will read; in MANY only. */
extern const char gc_lua_claim_ahead[];
extern const char gc_lua_renew_ahead[];
extern const char gc_lua_release_ahead[];
extern const char gc_lua_commit_ahead[];
extern const char gc_lua_settle_ahead[];

/* ---- store_scripts_limit.c ---- */
extern const char gc_lua_limit_lib[]; /* before every script, after gc_lua_lib */
extern const char gc_lua_line_lib[];  /* after it; only what is about limits needs it */
extern const char gc_lua_limit_take[];
extern const char gc_lua_limit_leave[];
extern const char gc_lua_limit_settle[];
extern const char gc_lua_limit_learn[];
extern const char gc_lua_limit_pause[];

/* ---- store_scripts_provider.c ---- */
extern const char gc_lua_provider_lib[]; /* before every script, after gc_lua_limit_lib */
extern const char gc_lua_prefix_claim[];
extern const char gc_lua_prefix_warm[];
extern const char gc_lua_prefix_abandon[];
extern const char gc_lua_model_add[];

#endif
