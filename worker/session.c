#include "worker/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define HELLO_MIN_MS 100 /* between two HELLOs without an answer */
#define HELLO_MAX_MS 2000
#define REOPEN_MIN_MS 1000
#define PAUSE_MS 2000 /* a longer gap between ticks: this process was stopped */

struct gc_session {
    gc_session_conf conf;
    bool live;
    char broker[GC_WIRE_MAX_ID + 1]; /* its id, "" = not known */
    int64_t heartbeat_ms;
    int64_t heard_ms;
    int64_t pinged_ms;
    int64_t hello_at_ms; /* next HELLO while not live */
    int64_t hello_wait_ms;
    int64_t reopen_wait_ms; /* silence that is borne before the next reopening */
    int64_t told_credit;    /* -1: not told */
    int64_t tick_ms;
};

gc_session *gc_session_new(const gc_session_conf *conf, int64_t now_ms)
{
    gc_session *self = gc_xcalloc(1, sizeof *self);
    self->conf = *conf;
    self->heartbeat_ms = conf->heartbeat_ms;
    self->heard_ms = self->tick_ms = self->hello_at_ms = now_ms;
    self->hello_wait_ms = HELLO_MIN_MS;
    self->reopen_wait_ms = REOPEN_MIN_MS;
    self->told_credit = -1;
    return self;
}

void gc_session_destroy(gc_session **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

bool gc_session_live(const gc_session *self)
{
    return self->live;
}

/* ---- speaking ---- */

/* True if it went out. */
static bool say_hello(gc_session *self)
{
    gc_wire hello;
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = (char *)"worker";
    hello.id = (char *)self->conf.id;
    hello.host = (char *)self->conf.host;
    hello.pid = self->conf.pid;
    hello.credit = self->conf.credit(self->conf.arg);
    hello.providers = *self->conf.providers;
    self->conf.running(self->conf.arg, &hello.running);
    bool sent = self->conf.send(self->conf.arg, &hello) == GC_OK;
    if (sent)
        self->told_credit = hello.credit;
    gc_strv_release(&hello.running);
    return sent;
}

static void say_pong(gc_session *self)
{
    gc_wire pong;
    gc_wire_init(&pong, GC_PONG);
    pong.credit = self->conf.credit(self->conf.arg);
    self->conf.running(self->conf.arg, &pong.running);
    if (self->conf.send(self->conf.arg, &pong) == GC_OK)
        self->told_credit = pong.credit;
    gc_strv_release(&pong.running);
}

static void tell_credit(gc_session *self)
{
    int64_t credit = self->conf.credit(self->conf.arg);
    gc_wire ready;
    if (credit == self->told_credit)
        return;
    gc_wire_init(&ready, GC_READY);
    ready.credit = credit;
    if (self->conf.send(self->conf.arg, &ready) == GC_OK)
        self->told_credit = credit;
}

static void say_ping(gc_session *self, int64_t now_ms)
{
    gc_wire ping;
    gc_wire_init(&ping, GC_PING);
    if (self->conf.send(self->conf.arg, &ping) == GC_OK)
        self->pinged_ms = now_ms;
}

gc_err gc_session_send(gc_session *self, const gc_wire *message)
{
    return self->live ? self->conf.send(self->conf.arg, message) : GC_EAGAIN;
}

void gc_session_bye(gc_session *self)
{
    gc_wire bye;
    gc_wire_init(&bye, GC_BYE);
    /* Not live does not mean not known: the answer to our HELLO may be on its way. */
    if (self->conf.send(self->conf.arg, &bye) != GC_OK)
        gc_log_debug("broker.bye_lost", "endpoint=%s", self->conf.endpoint);
    self->live = false;
}

/* ---- listening ---- */

/* Everything is to be said again, soon. */
static void start_over(gc_session *self, int64_t now_ms)
{
    self->live = false;
    self->broker[0] = '\0';
    self->told_credit = -1;
    self->hello_wait_ms = HELLO_MIN_MS;
    self->hello_at_ms = now_ms;
}

static void on_hello(gc_session *self, const gc_wire *message, int64_t now_ms)
{
    bool news = !self->live || strcmp(self->broker, message->id) != 0;
    memcpy(self->broker, message->id, strlen(message->id) + 1);
    if (message->heartbeat_ms > 0)
        self->heartbeat_ms = message->heartbeat_ms;
    self->live = true;
    self->pinged_ms = now_ms;
    self->hello_wait_ms = HELLO_MIN_MS;
    self->reopen_wait_ms = REOPEN_MIN_MS;
    if (news)
        gc_log_info("broker.up", "endpoint=%s broker=%s heartbeat_ms=%" PRId64,
                    self->conf.endpoint, self->broker, self->heartbeat_ms);
}

static void on_refused(gc_session *self, const gc_wire *message, int64_t now_ms)
{
    bool hello = strcmp(message->reason, GC_REFUSED_HELLO) == 0;
    bool fatal = strcmp(message->reason, GC_REFUSED_VERSION) == 0 ||
                 strcmp(message->reason, GC_REFUSED_FULL) == 0;
    gc_log_write(hello ? GC_LOG_INFO : GC_LOG_ERROR, "broker.refused",
                 "endpoint=%s reason=%s text=\"%s\"", self->conf.endpoint,
                 message->reason, message->text);
    if (!hello && !fatal)
        return; /* one message of ours was bad: it may work with the others */
    start_over(self, now_ms);
    if (fatal) {
        self->hello_wait_ms = HELLO_MAX_MS;
        self->hello_at_ms = now_ms + HELLO_MAX_MS;
    }
}

/* Another id than the one that knows us: another broker, which does not. */
static bool is_stranger(const gc_session *self, const gc_wire *message)
{
    return self->live && *message->id && strcmp(message->id, self->broker) != 0;
}

void gc_session_receive(gc_session *self, gc_wire *message, int64_t now_ms)
{
    self->heard_ms = now_ms;
    switch (message->command) {
    case GC_HELLO: on_hello(self, message, now_ms); break;
    case GC_TASK: self->conf.on_task(self->conf.arg, message); break;
    case GC_CANCEL:
        self->conf.on_cancel(self->conf.arg, message->job, message->task,
                             message->unbegun);
        break;
    case GC_PING:
        if (is_stranger(self, message))
            start_over(self, now_ms);
        else
            say_pong(self);
        break;
    case GC_PONG:
        if (is_stranger(self, message))
            start_over(self, now_ms);
        break;
    case GC_BYE:
        gc_log_info("broker.bye", "endpoint=%s", self->conf.endpoint);
        start_over(self, now_ms);
        break;
    case GC_REFUSED: on_refused(self, message, now_ms); break;
    default:
        gc_log_warn("broker.odd", "endpoint=%s command=%s", self->conf.endpoint,
                    gc_command_str(message->command));
        break;
    }
}

/* ---- time ---- */

static int64_t longer(int64_t wait_ms, int64_t most_ms)
{
    wait_ms = wait_ms * 2 < most_ms ? wait_ms * 2 : most_ms;
    return wait_ms - (int64_t)gc_random_below((uint32_t)(wait_ms / 4) + 1);
}

static int64_t bearable_silence(const gc_session *self)
{
    int64_t three = 3 * self->heartbeat_ms;
    three = three > GC_SESSION_MIN_SILENCE_MS ? three : GC_SESSION_MIN_SILENCE_MS;
    return self->live || three > self->reopen_wait_ms ? three : self->reopen_wait_ms;
}

static void give_up(gc_session *self, int64_t now_ms)
{
    gc_log_write(self->live ? GC_LOG_WARN : GC_LOG_DEBUG, "broker.silent",
                 "endpoint=%s ms=%" PRId64, self->conf.endpoint, now_ms - self->heard_ms);
    self->conf.reopen(self->conf.arg);
    start_over(self, now_ms);
    self->heard_ms = now_ms;
    self->reopen_wait_ms = longer(self->reopen_wait_ms, GC_SESSION_REOPEN_MAX_MS);
}

/* A process that was stopped must not call others silent: it was not listening. */
static void forgive_pause(gc_session *self, int64_t now_ms)
{
    int64_t gap = now_ms - self->tick_ms;
    self->tick_ms = now_ms;
    if (gap >= PAUSE_MS + self->heartbeat_ms)
        self->heard_ms += gap;
    if (self->heard_ms > now_ms)
        self->heard_ms = now_ms;
}

int64_t gc_session_tick(gc_session *self, int64_t now_ms)
{
    forgive_pause(self, now_ms);
    if (now_ms - self->heard_ms >= bearable_silence(self))
        give_up(self, now_ms);
    if (!self->live) {
        if (now_ms >= self->hello_at_ms) {
            if (say_hello(self))
                self->hello_wait_ms = longer(self->hello_wait_ms, HELLO_MAX_MS);
            self->hello_at_ms = now_ms + self->hello_wait_ms;
        }
        int64_t silent_at = self->heard_ms + bearable_silence(self);
        return self->hello_at_ms < silent_at ? self->hello_at_ms : silent_at;
    }
    tell_credit(self);
    int64_t quiet_since =
        self->heard_ms > self->pinged_ms ? self->heard_ms : self->pinged_ms;
    if (now_ms - quiet_since >= self->heartbeat_ms)
        say_ping(self, now_ms);
    int64_t next = now_ms + self->heartbeat_ms / 2;
    int64_t silent_at = self->heard_ms + bearable_silence(self);
    return next < silent_at ? next : silent_at;
}
