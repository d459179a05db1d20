#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/program.h"
#include "worker/conf.h"
#include "worker/loop.h"

#define EXIT_GENERAL 1

/* The kernel ends us with our parent, however that ends. */
static bool die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() != 1; /* it may have ended before that */
}

int main(int argc, char **argv)
{
    gc_worker_conf conf;
    gc_loop *loop = NULL;
    gc_errinfo info = { 0 };
    /* What a burst of tasks takes in ZeroMQ's thread would stay in an arena of its own. */
    mallopt(M_ARENA_MAX, 1);
    int status = gc_worker_conf_load(&conf, argc, argv); /* prints usage itself */
    if (status < 0 && conf.die_with_parent && !die_with_parent())
        status = EXIT_GENERAL;
    if (status < 0) {
        gc_err err = gc_loop_new(&conf, &loop, &info);
        if (err)
            fprintf(stderr, "gc-worker: error: %s\n", info.text);
        status = !err               ? gc_loop_run(loop)
                 : err == GC_EINVAL ? GC_PROGRAM_EXIT_USAGE
                                    : EXIT_GENERAL;
    }
    gc_loop_destroy(&loop);
    gc_worker_conf_release(&conf);
    return status;
}
