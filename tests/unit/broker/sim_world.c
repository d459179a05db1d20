#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "support/must.h"

sim *world;

/* ---- chance ---- */

uint32_t below(uint32_t bound)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (uint32_t)((world->random >> 11) % bound);
}

bool chance(uint32_t per_mille)
{
    return below(1000) < per_mille;
}

/* The linker puts this in the place of gc_random_below(). */
uint32_t __wrap_gc_random_below(uint32_t bound);
uint32_t __wrap_gc_random_below(uint32_t bound)
{
    return below(bound);
}

void broken(const char *rule, int a, int b)
{
    fail_msg("seed %llu at %lld ms: %s (%d, %d); GC_SIM_SEED=%llu plays it again",
             (unsigned long long)world->seed, (long long)world->now_ms, rule, a, b,
             (unsigned long long)world->seed);
}

/* Of "j3" or "t3". */
static int number_in(const char *text)
{
    int64_t n = 0;
    must_ok(gc_parse_i64(text + 1, 0, INT32_MAX, &n));
    return (int)n;
}

/* ---- the network ---- */

static bool is_cut(const peer *p)
{
    return world->now_ms < p->cut_ms;
}

static void put_mail(int number, bool to_broker, const gc_wire *message, int64_t due_ms)
{
    gc_buf body;
    if (world->mail_count == MOST_MAIL) {
        broken("the network is flooded", number, to_broker);
        return;
    }
    mail *m = &world->mail[world->mail_count++];
    gc_buf_init(&body, GC_WIRE_MAX_BODY);
    gc_wire_encode(message, &body);
    *m = (mail){ .peer = number,
                 .connection = world->peers[number].connection,
                 .to_broker = to_broker,
                 .due_ms = due_ms,
                 .len = body.len };
    snprintf(m->command, sizeof m->command, "%s", gc_command_str(message->command));
    m->body = gc_buf_take(&body);
}

/* In order within one connection, as ZeroMQ keeps it. */
static void post(int number, bool to_broker, const gc_wire *message)
{
    int64_t *last = &world->last_ms[number][to_broker];
    bool rough = world->chaos && !world->gentle;
    int64_t due_ms = world->now_ms + 1 + below(rough && chance(100) ? DELAY_MS : 20);
    due_ms = due_ms > *last ? due_ms : *last;
    if (is_cut(&world->peers[number]) || (rough && chance(20)))
        return;
    *last = due_ms;
    put_mail(number, to_broker, message, due_ms);
    if (rough && chance(20))
        put_mail(number, to_broker, message, due_ms);
}

static void route_name(const peer *p, char out[24])
{
    snprintf(out, 24, "%s/%d", p->endpoint, p->connection);
}

static void count_given(int job, size_t count)
{
    world->given[job] += count;
    if (job != world->few || world->given[job] != world->few_end)
        return;
    world->many_then = 0;
    for (int i = 0; i < CLIENTS; i++)
        world->many_then += i == job ? 0 : world->given[i];
}

static gc_err from_broker(void *arg, const void *route, size_t len,
                          const gc_wire *message)
{
    (void)arg;
    for (int i = 0; i < PEERS; i++) {
        char name[24];
        route_name(&world->peers[i], name);
        if (!world->peers[i].alive || strlen(name) != len ||
            memcmp(name, route, len) != 0)
            continue;
        if (world->chaos && !world->gentle && chance(5))
            return GC_EAGAIN;
        if (message->command == GC_TASK)
            count_given(number_in(message->job), message->task_count);
        post(i, false, message);
        return GC_OK;
    }
    return GC_ECLOSED;
}

static gc_err to_broker(peer *p, const gc_wire *message)
{
    if (!world->route)
        return GC_EAGAIN;
    post(p->number, true, message);
    return GC_OK;
}

/* ---- workers ---- */

static gc_err worker_send(void *arg, const gc_wire *message)
{
    return to_broker(arg, message);
}

static void worker_reopen(void *arg)
{
    ((peer *)arg)->connection++;
}

static int64_t worker_credit(void *arg)
{
    const peer *p = arg;
    return p->draining ? 0 : (int64_t)p->slots;
}

static void worker_running(void *arg, gc_strv *names)
{
    const peer *p = arg;
    for (size_t i = 0; i < p->held_count; i++)
        gc_strv_push(names, gc_xasprintf("j%d/t%d", p->held[i].client, p->held[i].task));
}

held *find_held(peer *p, int client, int task)
{
    for (size_t i = 0; i < p->held_count; i++)
        if (p->held[i].client == client && p->held[i].task == task)
            return &p->held[i];
    return NULL;
}

static void worker_task(void *arg, gc_wire *message)
{
    peer *p = arg;
    for (size_t i = 0; i < message->task_count; i++) {
        int client = number_in(message->job), task = number_in(message->tasks[i].id);
        held *known = find_held(p, client, task);
        if (known) {
            known->attempt = message->tasks[i].attempt;
            continue;
        }
        if (message->tasks[i].attempt > GC_ROUTE_MAX_DEATHS)
            broken("a task is tried after three deaths", client, task);
        if (p->held_count >= MOST_HELD) {
            broken("a worker is flooded", p->number, task);
            return;
        }
        p->held[p->held_count++] = (held){ client, task, message->tasks[i].attempt,
                                           world->now_ms + 50 + below(2000) };
        p->taken++;
    }
}

static void worker_cancel(void *arg, const char *job, const char *task, bool unbegun)
{
    peer *p = arg;
    if (unbegun)
        return;
    for (size_t i = p->held_count; i-- > 0;)
        if (p->held[i].client == number_in(job) &&
            (!*task || p->held[i].task == number_in(task)))
            p->held[i] = p->held[--p->held_count];
}

/* Another process under the same name, as a pod of a StatefulSet is, or with a new one. */
void start_worker(peer *p)
{
    static int pids = 1;
    p->pid = ++pids;
    p->connection++;
    p->alive = true;
    p->draining = false;
    p->held_count = p->taken = 0;
    p->slots = 1 + below(6);
    if (chance(500))
        snprintf(p->id, sizeof p->id, "w%d-%d", p->number, p->pid % 10000);
    gc_session_conf conf = { .endpoint = p->endpoint,
                             .id = p->id,
                             .host = "h",
                             .pid = p->pid,
                             .providers = &world->providers,
                             .heartbeat_ms = BEAT,
                             .send = worker_send,
                             .reopen = worker_reopen,
                             .credit = worker_credit,
                             .running = worker_running,
                             .on_task = worker_task,
                             .on_cancel = worker_cancel,
                             .arg = p };
    p->session = gc_session_new(&conf, world->now_ms);
}

void kill_peer(peer *p)
{
    p->alive = false;
    p->connection++;
    p->back_ms = world->now_ms + 200 + below(4000);
    gc_session_destroy(&p->session);
}

/* False: the worker is dead. */
static bool end_task(peer *p, size_t i)
{
    held one = p->held[i];
    sim_task *task = &world->peers[WORKERS + one.client].tasks[one.task];
    char job[16], id[16];
    gc_wire done;
    if (task->poison) {
        kill_peer(p);
        return false;
    }
    task->stored = true; /* before anyone is told */
    snprintf(job, sizeof job, "j%d", one.client);
    snprintf(id, sizeof id, "t%d", one.task);
    gc_wire_init(&done, GC_DONE);
    done.job = job;
    done.task = id;
    done.attempt = one.attempt;
    if (gc_session_send(p->session, &done) == GC_OK)
        p->held[i] = p->held[--p->held_count];
    return true;
}

void turn_worker(peer *p)
{
    for (size_t i = p->held_count; i-- > 0;)
        if (p->held[i].done_ms <= world->now_ms && !end_task(p, i))
            return;
    gc_session_tick(p->session, world->now_ms);
    if (p->draining && p->held_count == 0) {
        gc_session_bye(p->session);
        p->alive = false; /* its last words are on their way */
        p->back_ms = world->now_ms + 1000;
        gc_session_destroy(&p->session);
    }
}

/* ---- clients ---- */

static void say_hello(peer *p)
{
    gc_wire hello;
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = (char *)"client";
    hello.id = p->id;
    hello.job = p->id;
    hello.host = (char *)"h";
    hello.pid = p->pid;
    if (to_broker(p, &hello) == GC_OK)
        p->hello_ms = world->now_ms;
}

static void send_again(peer *p)
{
    for (size_t i = 0; i < p->task_count; i++)
        if (p->tasks[i].state == SENT)
            p->tasks[i] =
                (sim_task){ .stored = p->tasks[i].stored, .poison = p->tasks[i].poison };
}

static void submit_one(peer *p, int number)
{
    char job[16], id[16];
    gc_wire_task task = { .id = id,
                          .provider = (char *)"sim",
                          .attempt = 1,
                          .payload = (char *)"payload",
                          .payload_len = 7 };
    gc_wire submit;
    snprintf(job, sizeof job, "j%d", p->number - WORKERS);
    snprintf(id, sizeof id, "t%d", number);
    gc_wire_init(&submit, GC_SUBMIT);
    submit.job = job;
    submit.tasks = &task;
    submit.task_count = 1;
    if (to_broker(p, &submit))
        return;
    p->tasks[number].state = SENT;
    p->tasks[number].due_ms = world->now_ms;
}

void turn_client(peer *p)
{
    if (world->now_ms - p->heard_ms > SILENCE_MS) {
        p->connection++;
        p->up = false;
        p->heard_ms = world->now_ms;
        p->hello_ms = 0;
    }
    if (!p->hello_ms || world->now_ms - p->hello_ms >= BEAT)
        say_hello(p);
    for (size_t i = 0; i < p->task_count; i++) {
        sim_task *t = &p->tasks[i];
        if (t->state == SENT && world->now_ms - t->due_ms > LOOK_MS)
            t->state = t->stored ? ENDED : UNSENT;
        if (p->up && t->state == UNSENT && t->due_ms <= world->now_ms)
            submit_one(p, (int)i);
    }
}

static void client_hears(peer *p, const gc_wire *m)
{
    p->heard_ms = world->now_ms;
    if (m->command == GC_HELLO) {
        if (!m->known || strcmp(p->broker, m->id) != 0)
            send_again(p);
        snprintf(p->broker, sizeof p->broker, "%s", m->id);
        p->up = true;
    } else if (m->command == GC_PING) {
        gc_wire pong;
        gc_wire_init(&pong, GC_PONG);
        if (to_broker(p, &pong) == GC_OK)
            p->hello_ms = p->hello_ms ? p->hello_ms : world->now_ms;
    } else if (m->command == GC_REFUSED) {
        p->hello_ms = 0;
    } else if (m->command == GC_BYE) {
        p->up = false;
    } else if (m->command == GC_BUSY) {
        for (size_t i = 0; i < m->task_ids.count; i++) {
            sim_task *t = &p->tasks[number_in(m->task_ids.items[i])];
            if (t->state == SENT) {
                t->state = UNSENT;
                t->due_ms = world->now_ms + m->retry_ms;
            }
        }
    } else if (m->command == GC_DONE || m->command == GC_FAIL) {
        sim_task *t = &p->tasks[number_in(m->task)];
        if (m->command == GC_DONE && !t->stored)
            broken("told before it is stored", p->number, number_in(m->task));
        if (m->command == GC_FAIL && strcmp(m->reason, GC_FAIL_POISON) == 0 &&
            world->gentle)
            broken("an orderly stop counts as a death", p->number, number_in(m->task));
        t->state = ENDED;
    }
}

/* ---- the broker ---- */

void start_broker(void)
{
    snprintf(world->broker, sizeof world->broker, "b-%d", ++world->brokers);
    gc_route_conf conf = { .id = world->broker,
                           .host = "h",
                           .pid = world->brokers,
                           .heartbeat_ms = BEAT,
                           .max_message_bytes = 1000,
                           .max_queued = MAX_QUEUED,
                           .max_bytes = 100 * MAX_QUEUED,
                           .send = from_broker };
    world->route = gc_route_new(&conf, world->now_ms);
}

void drop_mail(size_t i)
{
    free(world->mail[i].body);
    memmove(&world->mail[i], &world->mail[i + 1],
            (--world->mail_count - i) * sizeof *world->mail);
}

void kill_broker(void)
{
    gc_route_destroy(&world->route);
    for (int i = 0; i < PEERS; i++)
        world->peers[i].connection++; /* whoever connects again gets a new identity */
    while (world->mail_count)
        drop_mail(world->mail_count - 1);
    world->broker_back_ms = world->now_ms + below(6000);
}

static void deliver(const mail *m)
{
    char route[24];
    gc_wire message;
    peer *p = &world->peers[m->peer];
    must_ok(gc_wire_decode(GC_WIRE_MAGIC, strlen(GC_WIRE_MAGIC), m->command,
                           strlen(m->command), m->body, m->len, &message, NULL));
    snprintf(route, sizeof route, "%s/%d", p->endpoint, m->connection);
    if (m->to_broker && world->route)
        gc_route_receive(world->route, route, strlen(route), &message, world->now_ms);
    else if (!m->to_broker && p->alive && m->connection == p->connection) {
        if (p->session)
            gc_session_receive(p->session, &message, world->now_ms);
        else
            client_hears(p, &message);
    }
    gc_wire_release(&message);
}

void deliver_due(void)
{
    for (size_t i = 0; i < world->mail_count;) {
        mail m = world->mail[i];
        const peer *p = &world->peers[m.peer];
        if (m.due_ms > world->now_ms || (!m.to_broker && world->now_ms < p->asleep_ms)) {
            i++;
            continue;
        }
        world->mail[i].body = NULL;
        drop_mail(i);
        deliver(&m);
        free(m.body);
    }
}
