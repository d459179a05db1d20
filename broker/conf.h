/* The broker's command line, over environment, file and defaults. */
#ifndef GC_BROKER_CONF_H
#define GC_BROKER_CONF_H

#include "common/config.h"
#include "common/err.h"
#include "common/strv.h"

typedef struct gc_broker_conf {
    gc_config config;
    gc_strv binds; /* endpoints */
    int ready_fd;  /* -1: none */
} gc_broker_conf;

/* Prints help, version or what is wrong by itself. -1: go on and run; else the exit code. */
int gc_broker_conf_load(gc_broker_conf *self, int argc, char **argv);
void gc_broker_conf_release(gc_broker_conf *self);

/* The rule behind --insecure: tcp off loopback needs CURVE. GC_EINVAL: `info` says why. */
GC_MUST_CHECK gc_err gc_broker_conf_check(const gc_broker_conf *self, gc_errinfo *info);

#endif
