/* Which contracts of the specification a file has to know: the least that is enough for its
 * role. A file that stores or describes data serves none; a service keeps the rules that a
 * contract adds to what its promise says anyway; who speaks HTTP serves all of them. Pure. */
#ifndef GC_COORDINATOR_CONTRACTS_H
#define GC_COORDINATOR_CONTRACTS_H

#include <stdbool.h>

#include "common/fcs.h"

typedef enum gc_contract_use {
    GC_CONTRACTS_NONE,
    GC_CONTRACTS_FREE,  /* those that belong to no entity */
    GC_CONTRACTS_RULES, /* those that gc_contract_is_rule names */
    GC_CONTRACTS_ALL
} gc_contract_use;

/* `http`: the program has handlers; else a service is the last that can serve a contract.
 * Kinds that say nothing (source, test) are judged by the words of file name and purpose. */
gc_contract_use gc_contract_use_of(const char *kind, const char *path,
                                   const char *purpose, bool http);

/* It says more than creating, listing, reading, replacing or deleting an item: a request, a
 * description, another action, or an answer that is no mere type. */
bool gc_contract_is_rule(const gc_contract *contract);

/* The same for a file that is about no entity: who speaks of routes serves all contracts, who
 * speaks of HTTP the free ones. */
gc_contract_use gc_contract_use_without(const char *path, const char *purpose);

#endif
