#include "broker/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "gc_broker_"

static const double wait_bounds[GC_WAIT_BUCKETS] = { 0.001, 0.005, 0.02, 0.1, 0.5, 1,
                                                     5,     15,    60,   300, 900, 3600 };

void gc_stats_waited(gc_stats *self, int64_t ms)
{
    double seconds = (double)ms / 1000;
    size_t i = 0;
    while (i < GC_WAIT_BUCKETS && seconds > wait_bounds[i])
        i++;
    self->wait_buckets[i]++;
    self->wait_count++;
    self->wait_seconds += seconds;
}

void gc_gauges_release(gc_gauges *self)
{
    gc_strv_release(&self->providers);
    free(self->queued);
    *self = (gc_gauges){ 0 };
}

static const struct {
    const char *family;
    const char *help;
} helps[] = {
    { "tasks_total", "Tasks that ended, by outcome." },
    { "tasks_submitted_total", "Tasks that clients submitted." },
    { "tasks_dispatched_total", "Tasks sent to workers." },
    { "task_retries_total", "Tasks queued again, by reason." },
    { "messages_dropped_total", "Messages that reached nobody, by reason." },
    { "messages_refused_total", "Messages refused, by reason." },
    { "peers_lost_total", "Peers that fell silent, by role." },
    { "auth_failures_total", "Connections refused by CURVE authentication." },
};

static const struct {
    const char *family;
    const char *label;
    const char *value;
} rows[GC_STAT_COUNT] = {
#define X(id, family, label, value) { family, label, value },
    GC_STAT_MAP(X)
#undef X
};

static void head(gc_buf *out, const char *name, const char *type, const char *help)
{
    gc_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_counters(const gc_stats *self, gc_buf *out)
{
    const char *family = "";
    for (size_t i = 0; i < GC_STAT_COUNT; i++) {
        if (strcmp(family, rows[i].family) != 0) {
            family = rows[i].family;
            const char *help = "";
            for (size_t j = 0; j < sizeof helps / sizeof *helps; j++)
                if (strcmp(helps[j].family, family) == 0)
                    help = helps[j].help;
            gc_buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s counter\n",
                          family, help, family);
        }
        gc_buf_printf(out, PREFIX "%s", family);
        if (*rows[i].label)
            gc_buf_printf(out, "{%s=\"%s\"}", rows[i].label, rows[i].value);
        gc_buf_printf(out, " %" PRIu64 "\n", self->counters[i]);
    }
    head(out, PREFIX "messages_received_total", "counter",
         "Well-formed messages, by command.");
    for (int i = 0; i < GC_COMMAND_COUNT; i++)
        gc_buf_printf(out, PREFIX "messages_received_total{command=\"%s\"} %" PRIu64 "\n",
                      gc_command_str((gc_command)i), self->received[i]);
}

static void print_wait(const gc_stats *self, gc_buf *out)
{
    uint64_t sum = 0;
    head(out, PREFIX "queue_wait_seconds", "histogram",
         "Time between a task's queueing and its sending.");
    for (size_t i = 0; i < GC_WAIT_BUCKETS; i++) {
        sum += self->wait_buckets[i];
        gc_buf_printf(out, PREFIX "queue_wait_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                      wait_bounds[i], sum);
    }
    gc_buf_printf(out, PREFIX "queue_wait_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n",
                  self->wait_count);
    gc_buf_printf(out, PREFIX "queue_wait_seconds_sum %.3f\n", self->wait_seconds);
    gc_buf_printf(out, PREFIX "queue_wait_seconds_count %" PRIu64 "\n", self->wait_count);
}

static void gauge(gc_buf *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    gc_buf_printf(out, "%s %.15g\n", name, value);
}

static void print_queues(const gc_gauges *g, gc_buf *out)
{
    size_t all = 0;
    head(out, PREFIX "tasks_queued", "gauge", "Tasks that wait for a worker.");
    for (size_t i = 0; i < g->providers.count; i++) {
        gc_buf_printf(out, PREFIX "tasks_queued{queue=\"%s\"} %zu\n",
                      g->providers.items[i], g->queued[i]);
        all += g->queued[i];
    }
    gc_buf_printf(out, PREFIX "tasks_queued{queue=\"all\"} %zu\n", all);
    head(out, PREFIX "workers_connected", "gauge", "Workers, by state.");
    gc_buf_printf(out, PREFIX "workers_connected{state=\"idle\"} %zu\n", g->workers_idle);
    gc_buf_printf(out, PREFIX "workers_connected{state=\"busy\"} %zu\n", g->workers_busy);
    gc_buf_printf(out, PREFIX "workers_connected{state=\"draining\"} %zu\n",
                  g->workers_draining);
}

static void print_gauges(const gc_stats *self, const gc_gauges *g, gc_buf *out)
{
    print_queues(g, out);
    gauge(out, PREFIX "tasks_inflight", "Tasks that workers hold.", (double)g->in_flight);
    gauge(out, PREFIX "queue_bytes", "Bytes of task payloads held.", (double)g->bytes);
    gauge(out, PREFIX "oldest_task_age_seconds", "Age of the longest waiting task.",
          g->oldest_seconds);
    gauge(out, PREFIX "jobs", "Jobs with tasks here.", (double)g->jobs);
    gauge(out, PREFIX "clients_connected", "Clients (coordinators).", (double)g->clients);
    gauge(out, PREFIX "deadletter_tasks",
          "Tasks set aside since start because their workers died.",
          (double)self->counters[GC_STAT_POISON]);
    gauge(out, PREFIX "loop_lag_seconds",
          "Longest turn of the event loop in the last "
          "ten seconds.",
          g->lag_seconds);
}

static void print_process(const gc_gauges *g, gc_buf *out)
{
    head(out, "process_cpu_seconds_total", "counter", "CPU time used.");
    gc_buf_printf(out, "process_cpu_seconds_total %.3f\n", g->cpu_seconds);
    gauge(out, "process_resident_memory_bytes", "Resident memory.",
          (double)g->resident_bytes);
    gauge(out, "process_open_fds", "Open file descriptors.", (double)g->open_fds);
    gauge(out, "process_start_time_seconds", "Start, in seconds since 1970.",
          g->start_seconds);
}

void gc_stats_print(const gc_stats *self, const gc_gauges *gauges, gc_buf *out)
{
    head(out, "gc_build_info", "gauge", "Version of this program.");
    gc_buf_printf(out, "gc_build_info{version=\"%s\",protocol=\"%d\"} 1\n", GC_VERSION,
                  GC_WIRE_VERSION);
    print_counters(self, out);
    print_wait(self, out);
    print_gauges(self, gauges, out);
    print_process(gauges, out);
}
