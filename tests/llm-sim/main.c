/* gc-llm-sim: reads the command line, serves until it is told to stop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "tests/llm-sim/options.h"
#include "tests/llm-sim/server.h"

#define EXIT_NETWORK 7
#define EXIT_FILES 6
#define EXIT_CONFIG 8

/* A stream is a descriptor: as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* False: the parent is gone already. */
static bool die_with_parent(void)
{
    pid_t parent = getppid();
    return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

/* The file appears whole: a reader that finds it can read the URL. */
static gc_err write_port_file(const char *path, const char *url, gc_errinfo *info)
{
    char *temporary = gc_xasprintf("%s.%d.tmp", path, (int)getpid());
    FILE *file = fopen(temporary, "we");
    bool ok = file && fprintf(file, "%s\n", url) > 0;
    ok = (!file || fclose(file) == 0) && ok;
    ok = ok && rename(temporary, path) == 0;
    gc_err err = ok ? GC_OK : gc_fail(info, GC_EIO, "%s: %s", path, strerror(errno));
    if (!ok)
        unlink(temporary);
    free(temporary);
    return err;
}

static gc_err announce(const gc_sim_options *options, const char *url, gc_errinfo *info)
{
    gc_err err = GC_OK;
    if (options->port_file)
        err = write_port_file(options->port_file, url, info);
    bool own_fd = options->ready_fd >= 0;
    if (!err && (own_fd || !options->port_file) &&
        dprintf(own_fd ? options->ready_fd : STDOUT_FILENO, "%s\n", url) < 0)
        err = gc_fail(info, GC_EIO, "cannot say where it listens: %s", strerror(errno));
    if (!err && options->ready_fd > STDERR_FILENO)
        close(options->ready_fd);
    return err;
}

static int exit_status(gc_err err)
{
    if (!err)
        return 0;
    return err == GC_EINVAL || err == GC_EFULL ? EXIT_CONFIG : EXIT_NETWORK;
}

static int serve(const gc_sim_options *options)
{
    gc_errinfo info = { 0 };
    gc_sim_engine *engine = NULL;
    gc_sim_server *server = NULL;
    gc_err err = gc_sim_engine_new(&options->settings, &engine, &info);
    int status = err == GC_EIO ? EXIT_FILES : exit_status(err);
    if (!err) {
        err = gc_sim_server_new(options->bind, options->port, engine, &server, &info);
        status = exit_status(err);
    }
    if (!err) {
        err = announce(options, gc_sim_server_url(server), &info);
        status = err ? EXIT_FILES : 0;
    }
    if (!err) {
        err = gc_sim_server_run(server, &info);
        status = exit_status(err);
    }
    if (err)
        fprintf(stderr, "gc-llm-sim: %s\n", info.text);
    gc_sim_server_destroy(&server);
    gc_sim_engine_destroy(&engine);
    return status;
}

int main(int argc, char **argv)
{
    gc_sim_options options;
    int status = 0;
    gc_log_setup("llm-sim", GC_LOG_WARN, false);
    signal(SIGPIPE, SIG_IGN);
    if (gc_sim_options_read(&options, argc, argv, &status)) {
        raise_descriptor_limit();
        if (!options.die_with_parent || die_with_parent())
            status = serve(&options);
    }
    gc_sim_options_release(&options);
    return status;
}
