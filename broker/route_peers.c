#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/route_impl.h"
#include "common/mem.h"

#define NAME_SIZE (GC_WIRE_MAX_ID + 3)

void route_key(const void *route, size_t len, char out[ROUTE_KEY_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = route;
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

gc_peer *route_find_peer(const gc_route *self, const char *key)
{
    return gc_map_get(self->peers, key);
}

static void make_name(char name[NAME_SIZE], bool worker, const char *id)
{
    snprintf(name, NAME_SIZE, "%c:%s", worker ? 'w' : 'c', id);
}

/* ---- the outbox ---- */

gc_err route_send(gc_route *self, gc_peer *peer, const gc_wire *message)
{
    return self->conf.send(self->conf.arg, peer->route, peer->route_len, message);
}

static void set_blocked(gc_route *self, gc_peer *peer, bool blocked)
{
    if (peer->blocked == blocked)
        return;
    peer->blocked = blocked;
    self->blocked += blocked ? 1 : -1U;
    if (peer->worker) {
        peer->worker->blocked = blocked;
        gc_roster_update(peer->worker);
    }
    for (gc_job *job = peer->jobs; job; job = job->client_next)
        gc_job_pause(job, blocked);
}

void route_block(gc_route *self, gc_peer *peer)
{
    set_blocked(self, peer, true);
}

/* A copy through the codec: the one place that knows all fields. */
static letter *make_letter(const gc_wire *message)
{
    gc_buf body;
    letter *self = gc_xcalloc(1, sizeof *self);
    const char *command = gc_command_str(message->command);
    gc_buf_init(&body, GC_WIRE_MAX_BODY);
    gc_wire_encode(message, &body);
    self->bytes = body.len + sizeof *self;
    if (body.full ||
        gc_wire_decode(GC_WIRE_MAGIC, strlen(GC_WIRE_MAGIC), command, strlen(command),
                       body.ptr, body.len, &self->message, NULL)) {
        free(self);
        self = NULL;
    }
    gc_buf_release(&body);
    return self;
}

static void pop_letter(gc_peer *peer)
{
    letter *first = peer->outbox;
    peer->outbox = first->next;
    if (!peer->outbox)
        peer->outbox_end = &peer->outbox;
    peer->outbox_count--;
    peer->outbox_bytes -= first->bytes;
    gc_wire_release(&first->message);
    free(first);
}

void route_post(gc_route *self, gc_peer *peer, const gc_wire *message)
{
    if (!peer->blocked && route_send(self, peer, message) == GC_OK)
        return;
    letter *last = peer->overflow ? NULL : make_letter(message);
    if (last && (peer->outbox_count >= GC_ROUTE_OUTBOX_MESSAGES ||
                 peer->outbox_bytes + last->bytes > GC_ROUTE_OUTBOX_BYTES)) {
        peer->overflow = true;
        gc_wire_release(&last->message);
        free(last);
        last = NULL;
    }
    route_block(self, peer);
    if (!last) {
        route_count(self, GC_STAT_SLOW);
        return;
    }
    *peer->outbox_end = last;
    peer->outbox_end = &last->next;
    peer->outbox_count++;
    peer->outbox_bytes += last->bytes;
}

gc_err route_ping(gc_route *self, gc_peer *peer)
{
    gc_wire ping;
    gc_wire_init(&ping, GC_PING);
    ping.id = (char *)self->conf.id;
    gc_err err = route_send(self, peer, &ping);
    if (!err)
        peer->pings++;
    return err;
}

void route_unblock(gc_route *self, gc_peer *peer)
{
    if (!peer->outbox && route_ping(self, peer))
        return;
    while (peer->outbox) {
        if (route_send(self, peer, &peer->outbox->message))
            return;
        pop_letter(peer);
    }
    set_blocked(self, peer, false);
}

/* ---- jobs of a client ---- */

void route_leave_job(gc_job *job)
{
    if (!job->client)
        return;
    if (job->client_prev)
        job->client_prev->client_next = job->client_next;
    else
        job->client->jobs = job->client_next;
    if (job->client_next)
        job->client_next->client_prev = job->client_prev;
    job->client_prev = job->client_next = NULL;
    job->client = NULL;
}

void route_join_job(gc_route *self, gc_peer *client, gc_job *job)
{
    if (job->client == client)
        return;
    if (job->client)
        route_note(self, GC_LOG_INFO, "job.moved", "job=%s from=%s to=%s", job->id,
                   job->client->id, client->id);
    route_leave_job(job);
    job->client = client;
    job->client_next = client->jobs;
    if (job->client_next)
        job->client_next->client_prev = job;
    client->jobs = job;
    gc_job_pause(job, client->blocked);
}

/* ---- coming and going ---- */

static gc_peer *add_peer(gc_route *self, const gc_wire *hello, bool worker)
{
    char name[NAME_SIZE];
    gc_peer *peer = gc_xcalloc(1, sizeof *peer);
    peer->outbox_end = &peer->outbox;
    peer->id = gc_xstrdup(hello->id);
    make_name(name, worker, peer->id);
    gc_map_set(self->names, name, peer);
    if (worker)
        peer->worker = gc_worker_new(peer);
    else
        self->clients++;
    return peer;
}

static void set_route(gc_route *self, gc_peer *peer, const void *route, size_t len,
                      const char *key)
{
    if (peer->key)
        gc_map_remove(self->peers, peer->key);
    free(peer->key);
    peer->key = gc_xstrdup(key);
    memcpy(peer->route, route, len);
    peer->route_len = len;
    peer->pings = 0;
    gc_map_set(self->peers, key, peer);
}

static admission how_it_came(const gc_peer *peer, const char *key, const gc_wire *hello)
{
    if (!peer->key)
        return PEER_NEW;
    if (peer->pid != hello->pid || strcmp(peer->host, hello->host) != 0)
        return PEER_RESTARTED;
    return strcmp(peer->key, key) == 0 ? PEER_SAME : PEER_MOVED;
}

gc_peer *route_admit(gc_route *self, const void *route, size_t len, const gc_wire *hello,
                     int64_t now_ms, admission *how)
{
    static const char *const events[] = { "peer.joined", NULL, "peer.returned",
                                          "peer.restarted" };
    char key[ROUTE_KEY_SIZE], name[NAME_SIZE];
    bool worker = strcmp(hello->role, "worker") == 0;
    route_key(route, len, key);
    make_name(name, worker, hello->id);
    gc_peer *peer = gc_map_get(self->names, name);
    gc_peer *here = route_find_peer(self, key);
    if (here && here != peer)
        route_remove_peer(self, here, "its connection says another name", true, now_ms);
    if (!peer && gc_map_count(self->peers) >= GC_ROUTE_MAX_PEERS)
        return NULL;
    if (!peer)
        peer = add_peer(self, hello, worker);
    *how = how_it_came(peer, key, hello);
    if (!peer->key || strcmp(peer->key, key) != 0)
        set_route(self, peer, route, len, key);
    free(peer->host);
    peer->host = gc_xstrdup(hello->host);
    peer->pid = hello->pid;
    if (events[*how])
        route_note(self, GC_LOG_INFO, events[*how], "role=%s id=%s host=%s pid=%lld",
                   hello->role, peer->id, peer->host, (long long)peer->pid);
    return peer;
}

void route_remove_peer(gc_route *self, gc_peer *peer, const char *why, bool counted,
                       int64_t now_ms)
{
    char name[NAME_SIZE];
    route_note(self, counted ? GC_LOG_WARN : GC_LOG_INFO,
               counted ? "peer.lost" : "peer.left", "role=%s id=%s why=\"%s\"",
               peer->worker ? "worker" : "client", peer->id, why);
    make_name(name, peer->worker != NULL, peer->id);
    gc_map_remove(self->names, name);
    gc_map_remove(self->peers, peer->key);
    set_blocked(self, peer, false);
    while (peer->outbox) {
        route_count(self, GC_STAT_SLOW);
        pop_letter(peer);
    }
    if (counted)
        route_count(self, peer->worker ? GC_STAT_WORKER_DEATH : GC_STAT_CLIENT_DEATH);
    if (peer->worker) {
        peer->worker->blocked = true;
        gc_roster_update(peer->worker);
        while (peer->worker->tickets)
            route_lose_ticket(self, peer->worker->tickets, why,
                              counted ? GC_STAT_RETRY_DEATH : GC_STAT_RETRY_HANDBACK,
                              now_ms);
        gc_roster_remove(self->roster, &peer->worker);
    } else {
        self->clients--;
        while (peer->jobs)
            route_orphan_job(self, peer->jobs);
    }
    free(peer->key);
    free(peer->id);
    free(peer->host);
    free(peer);
}
