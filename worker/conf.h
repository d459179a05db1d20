/* The worker's command line, over environment, file and defaults. */
#ifndef GC_WORKER_CONF_H
#define GC_WORKER_CONF_H

#include <stdbool.h>

#include "common/config.h"
#include "common/err.h"
#include "common/keys.h"
#include "common/strv.h"

#define GC_EXIT_INTERRUPTED 130

typedef struct gc_worker_conf {
    gc_config config;  /* cluster.broker, .redis and .slots hold what is in effect */
    gc_strv brokers;   /* endpoints */
    gc_strv providers; /* those that this worker can serve */
    gc_keys keys;
    char *id;     /* unique among living workers */
    char *holder; /* of leases: new at every start */
    bool die_with_parent;
} gc_worker_conf;

/* Prints help, version or what is wrong by itself. -1: go on and run; else the exit code. */
int gc_worker_conf_load(gc_worker_conf *self, int argc, char **argv);
void gc_worker_conf_release(gc_worker_conf *self);

#endif
