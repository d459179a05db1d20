#include "broker/conf.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <zmq.h>

#include "common/mem.h"
#include "common/program.h"
#include "common/text.h"
#include "common/wire.h"

static const gc_option options[] = {
    { "bind", "ENDPOINT", NULL,
      "listen here: tcp://HOST:PORT (port * for any) or ipc://PATH; may be repeated" },
    { "http", "HOST:PORT", "cluster.http",
      "metrics and health: /metrics, /livez, /readyz, /healthz" },
    { "curve-certificate", "FILE", "cluster.curve_certificate",
      "own secret certificate; turns encryption on" },
    { "curve-allow", "DIR", "cluster.curve_allow",
      "public certificates of those who may connect" },
    { "insecure", NULL, "cluster.insecure", "allow tcp off loopback without encryption" },
    { "ready-fd", "N", NULL,
      "write the real endpoints to this descriptor once they are open, then close it" },
};

static void print_version(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("gc-broker %s (protocol %s, libzmq %d.%d.%d)\n", GC_VERSION, GC_WIRE_MAGIC,
           major, minor, patch);
}

static const gc_program program = {
    .name = "gc-broker",
    .role = "broker",
    .usage = "Usage: gc-broker --bind ENDPOINT [--bind ENDPOINT] [options]\n\n"
             "Passes file tasks from coordinators to workers over ZeroMQ.\n\n"
             "  gc-broker --bind tcp://127.0.0.1:5555\n"
             "  gc-broker --bind tcp://*:5555 --curve-certificate broker.key_secret \\\n"
             "            --curve-allow allowed/ --http 127.0.0.1:9464\n",
    .ending = "SIGTERM or SIGINT drains: no new tasks, running ones may finish, exit 0.\n"
              "A second one ends at once. See gc-broker(1).\n",
    .print_version = print_version,
    .options = options,
    .option_count = sizeof options / sizeof *options,
};

/* ---- checks ---- */

static gc_err check_endpoint(const gc_broker_conf *self, const char *endpoint,
                             gc_errinfo *info)
{
    if (gc_starts_with(endpoint, "ipc://")) {
        size_t max = sizeof(struct sockaddr_un) - offsetof(struct sockaddr_un, sun_path);
        if (strlen(endpoint + strlen("ipc://")) >= max)
            return gc_fail(info, GC_EINVAL,
                           "--bind %s: a socket path has at most %zu "
                           "bytes",
                           endpoint, max - 1);
        return GC_OK;
    }
    if (!gc_starts_with(endpoint, "tcp://"))
        return gc_fail(info, GC_EINVAL,
                       "--bind %s is neither tcp://HOST:PORT nor ipc://PATH", endpoint);
    if (gc_wire_is_local(endpoint) || self->config.cluster_insecure ||
        *self->config.cluster_curve_certificate)
        return GC_OK;
    return gc_fail(info, GC_EINVAL,
                   "--bind %s can be reached from other machines without encryption; "
                   "give --curve-certificate and --curve-allow, or --insecure",
                   endpoint);
}

gc_err gc_broker_conf_check(const gc_broker_conf *self, gc_errinfo *info)
{
    const gc_config *c = &self->config;
    if (!self->binds.count)
        return gc_fail(info, GC_EINVAL,
                       "no endpoint; give --bind tcp://127.0.0.1:5555, say");
    if (!*c->cluster_curve_certificate != !*c->cluster_curve_allow)
        return gc_fail(info, GC_EINVAL,
                       "--curve-certificate and --curve-allow go together");
    for (size_t i = 0; i < self->binds.count; i++) {
        gc_err err = check_endpoint(self, self->binds.items[i], info);
        if (err)
            return err;
    }
    return GC_OK;
}

/* ---- all of it ---- */

static gc_err take_own(gc_broker_conf *self, const gc_args *args, gc_errinfo *info)
{
    const char *ready = gc_args_last(args, "ready-fd");
    int64_t fd = -1;
    for (size_t i = 0; i < args->others.count; i += 2)
        if (strcmp(args->others.items[i], "bind") == 0)
            gc_strv_add(&self->binds, args->others.items[i + 1]);
    if (ready && gc_parse_i64(ready, 3, 1 << 20, &fd))
        return gc_fail(info, GC_EINVAL, "--ready-fd %s is no descriptor from 3 up",
                       ready);
    self->ready_fd = (int)fd;
    return GC_OK;
}

static int load(gc_broker_conf *self, const gc_args *args)
{
    gc_errinfo info = { 0 };
    gc_err err = take_own(self, args, &info);
    if (!err)
        err = gc_args_configure(args, &self->config, &info);
    if (!err)
        err = gc_broker_conf_check(self, &info);
    if (!err)
        err = gc_program_start_log(&program, &self->config, &info);
    return err ? gc_program_usage_error(&program, info.text) : -1;
}

int gc_broker_conf_load(gc_broker_conf *self, int argc, char **argv)
{
    gc_args args;
    *self = (gc_broker_conf){ .ready_fd = -1 };
    gc_config_init(&self->config);
    int status = gc_args_take(&program, argc, argv, &args);
    if (status < 0)
        status = load(self, &args);
    gc_args_release(&args);
    return status;
}

void gc_broker_conf_release(gc_broker_conf *self)
{
    gc_config_release(&self->config);
    gc_strv_release(&self->binds);
}
