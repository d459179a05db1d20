/* The walk: every step that a world allows, and what must hold after it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "lease_model_world.h"
#include "support/must.h"

/* ---- what holds in every world ---- */

static bool believes(const actor *a, size_t file)
{
    return a->phase != IDLE && a->phase != TOLD && a->files[file] == OURS && !a->lapsed &&
           !a->suspect;
}

static void check_file(walk *self, const world *w, size_t file)
{
    record now = look(self, picture_of(self, w->picture), file);
    size_t believers = 0;
    insist(self, !now.epoch || now.blob, "blob", "a record without its blob");
    insist(self, w->sends[file] <= 1 + w->faults, "sends",
           "paid for more often than faults explain");
    for (size_t i = 0; i < self->scene->actors; i++) {
        char holder[16], lease[40];
        const actor *a = &w->actors[i];
        if (!believes(a, file))
            continue;
        believers++;
        name_holder(w, i, holder);
        snprintf(lease, sizeof lease, "%s %lld", holder, (long long)a->epochs[file]);
        bool done = now.epoch == a->epochs[file] && strcmp(now.worker, holder) == 0;
        insist(self, done || strcmp(lease, now.lease) == 0, "lease",
               "a worker believes in a lease that Redis does not have");
    }
    insist(self, believers <= 1, "leases", "two live leases of one fingerprint");
}

/* ---- steps of a worker ---- */

static size_t task_of(const walk *self, size_t a)
{
    return self->scene->shared_task ? 0 : a;
}

static size_t files_of(const walk *self, size_t a)
{
    return self->tasks[task_of(self, a)].file_count;
}

static size_t count_files(const walk *self, const world *w, size_t a, int64_t state)
{
    size_t count = 0;
    for (size_t f = 0; f < files_of(self, a); f++)
        count += w->actors[a].files[f] == state;
    return count;
}

static model_reply *ask(walk *self, const world *w, size_t a, model_op op, size_t file)
{
    char holder[16];
    name_holder(w, a, holder);
    model_request request = { .op = op,
                              .task = (int)task_of(self, a),
                              .holder = holder,
                              .attempt = self->scene->shared_task ? (int64_t)a + 1 : 1,
                              .file = file };
    for (size_t f = 0; op != OP_CLAIM && f < MODEL_FILES; f++)
        if (op != OP_COMMIT || f == file)
            request.epoch[f] = w->actors[a].epochs[f];
    return model_ask(self->store, picture_of(self, w->picture), w->picture, &request);
}

static int64_t picture_after(walk *self, model_reply *reply)
{
    if (reply->after_number < 0)
        reply->after_number = number_of(self, reply->after);
    return reply->after_number;
}

static void say(char out[48], const world *w, size_t a, const char *what, size_t file)
{
    char holder[16];
    name_holder(w, a, holder);
    snprintf(out, 48, "%s %s %zu", holder, what, file);
}

static void claim(walk *self, world w, size_t a, bool reply_lost)
{
    char what[48];
    actor *one = &w.actors[a];
    say(what, &w, a, reply_lost ? "claims, reply lost" : "claims", 0);
    model_reply *reply = ask(self, &w, a, OP_CLAIM, 0);
    insist(self, reply->err == GC_OK, what, "a claim is refused");
    w.picture = picture_after(self, reply);
    for (size_t f = 0; !reply_lost && f < files_of(self, a); f++) {
        const gc_claim_file *got = &reply->claim.files[f];
        one->files[f] = got->outcome == GC_FILE_MADE     ? OURS
                        : got->outcome == GC_FILE_REUSED ? REUSED
                                                         : WAITING;
        one->epochs[f] = one->files[f] == OURS ? got->epoch : 0;
        for (size_t i = 0; i < self->scene->actors; i++)
            insist(self,
                   i == a || !one->epochs[f] || w.actors[i].suspect ||
                       one->epochs[f] > w.actors[i].epochs[f],
                   what, "a claim with an older epoch than another's");
        one->phase = CLAIMED;
        one->lapsed = one->suspect = one->shaken = 0;
    }
    arrive(self, &w, false, what);
}

static void renew(walk *self, world w, size_t a)
{
    char what[48];
    actor *one = &w.actors[a];
    say(what, &w, a, "renews", 0);
    model_reply *reply = ask(self, &w, a, OP_RENEW, 0);
    w.picture = picture_after(self, reply);
    one->lapsed = one->suspect = 0;
    for (size_t f = 0; f < files_of(self, a); f++)
        if (one->files[f] == OURS && !reply->kept[f]) {
            one->files[f] = WAITING;
            one->epochs[f] = 0;
        }
    arrive(self, &w, false, what);
}

static void release(walk *self, world w, size_t a)
{
    char what[48];
    say(what, &w, a, "hands back", 0);
    for (size_t f = 0; f < files_of(self, a); f++) {
        record before = look(self, picture_of(self, w.picture), f);
        model_reply *reply = ask(self, &w, a, OP_RELEASE, 0);
        record after = look(self, reply->after, f);
        char mine[40], holder[16];
        name_holder(&w, a, holder);
        snprintf(mine, sizeof mine, "%s %lld", holder, (long long)w.actors[a].epochs[f]);
        insist(self, strcmp(before.lease, mine) == 0 || same_record(&before, &after),
               what, "a hand-back changes what belongs to another");
    }
    w.picture = picture_after(self, ask(self, &w, a, OP_RELEASE, 0));
    int64_t life = w.actors[a].life;
    w.actors[a] = (actor){ .life = life };
    arrive(self, &w, false, what);
}

static void send_request(walk *self, world w, size_t a)
{
    char what[48];
    say(what, &w, a, "sends", 0);
    for (size_t f = 0; f < files_of(self, a); f++) {
        if (w.actors[a].files[f] != OURS)
            continue;
        record now = look(self, picture_of(self, w.picture), f);
        insist(self, w.actors[a].shaken || !now.blob, what,
               "a stored answer is paid for again");
        w.sends[f]++;
    }
    w.actors[a].phase = SENT;
    arrive(self, &w, false, what);
}

/* Too late: another claimed or committed since, or Redis has it from us already. */
static bool is_late(const record *now, const char *holder, int64_t epoch)
{
    char mine[40];
    snprintf(mine, sizeof mine, "%s %lld", holder, (long long)epoch);
    if (*now->lease)
        return strcmp(now->lease, mine) != 0;
    if (now->epoch == epoch && strcmp(now->worker, holder) == 0)
        return false;
    return now->epoch >= epoch || now->made_at >= epoch;
}

static void check_commit(walk *self, const world *w, size_t a, size_t f,
                         const model_reply *reply, const char *what)
{
    char holder[16];
    name_holder(w, a, holder);
    int64_t epoch = w->actors[a].epochs[f];
    record before = look(self, picture_of(self, w->picture), f);
    record after = look(self, reply->after, f);
    char *text = model_answer(holder, f);
    gc_sha sha = gc_sha256(text, strlen(text));
    free(text);
    if (is_late(&before, holder, epoch)) {
        insist(self, same_record(&before, &after), what,
               "a late writer changes something");
        insist(self, reply->err == GC_ESTATE, what, "a late writer is not told so");
        return;
    }
    insist(self, reply->err == GC_OK, what, "the owner's commit is refused");
    insist(self, before.epoch <= after.epoch, what,
           "an older epoch replaces a newer one");
    insist(self, before.epoch != epoch || same_record(&before, &after), what,
           "two commits of one epoch");
    insist(self,
           after.blob && after.epoch == epoch && strcmp(after.worker, holder) == 0 &&
               strcmp(after.sha, sha.hex) == 0,
           what, "a commit stores something else");
}

static void commit(walk *self, world w, size_t a, size_t f, bool reply_lost)
{
    char what[48];
    actor *one = &w.actors[a];
    say(what, &w, a, reply_lost ? "commits, reply lost," : "commits", f);
    model_reply *reply = ask(self, &w, a, OP_COMMIT, f);
    check_commit(self, &w, a, f, reply, what);
    w.picture = picture_after(self, reply);
    if (!reply_lost) {
        one->files[f] = !reply->err ? MADE : *reply->sha256 ? REUSED : WAITING;
        one->epochs[f] = 0;
    }
    arrive(self, &w, false, what);
}

/* The end of the task goes out: DONE, or the files that others hold are asked for again. */
static void tell(walk *self, world w, size_t a)
{
    char what[48];
    actor *one = &w.actors[a];
    say(what, &w, a, "tells", 0);
    for (size_t f = 0; f < files_of(self, a); f++) {
        bool told = one->files[f] != WAITING;
        record now = look(self, picture_of(self, w.picture), f);
        insist(self, !told || one->shaken || now.blob, what, "told before it is stored");
    }
    bool again = count_files(self, &w, a, WAITING) > 0;
    w.actors[a] = (actor){ .life = one->life, .phase = again ? IDLE : TOLD };
    arrive(self, &w, false, what);
}

static void answer(walk *self, world w, size_t a)
{
    char what[48];
    say(what, &w, a, "has its answer", 0);
    w.actors[a].phase = ANSWERED;
    arrive(self, &w, false, what);
}

static void act(walk *self, const world *w, size_t a)
{
    const actor *one = &w->actors[a];
    const scene *s = self->scene;
    size_t ours = count_files(self, w, a, OURS);
    if (one->phase == TOLD)
        return;
    if (one->phase == IDLE) {
        claim(self, *w, a, false);
        if (!s->keeps_replies)
            claim(self, *w, a, true);
        return;
    }
    if (ours)
        renew(self, *w, a);
    if (one->phase == CLAIMED && ours) {
        release(self, *w, a);
        if (!one->lapsed || s->trusts_lease)
            send_request(self, *w, a);
    }
    if (one->phase == SENT && ours)
        answer(self, *w, a);
    for (size_t f = 0; one->phase == ANSWERED && f < files_of(self, a); f++)
        if (one->files[f] == OURS) {
            commit(self, *w, a, f, false);
            if (!s->keeps_replies)
                commit(self, *w, a, f, true);
        }
    if (!ours || (s->tells_early && one->phase == ANSWERED))
        tell(self, *w, a);
}

/* ---- faults ---- */

/* The leases of a holder that lapse, in Redis and in what the replica has. */
static void drop_leases(walk *self, world *w, size_t file, const char *lease)
{
    int64_t *both[] = { &w->picture, &w->older };
    char *line =
        gc_xasprintf("s\tgc:lease:%s\t%s", self->tasks[0].files[file].fingerprint, lease);
    for (size_t i = 0; i < 2; i++) {
        if (*both[i] < 0)
            continue;
        char *text = picture_without(picture_of(self, *both[i]), line);
        *both[i] = number_of(self, text);
        free(text);
    }
    free(line);
}

static void pause_past_lease(walk *self, world w, size_t a)
{
    char what[48], holder[16];
    actor *one = &w.actors[a];
    name_holder(&w, a, holder);
    say(what, &w, a, "is paused past its lease", 0);
    w.faults++;
    one->lapsed = 1;
    for (size_t f = 0; f < files_of(self, a); f++)
        if (one->files[f] == OURS)
            drop_leases(self, &w, f, holder);
    arrive(self, &w, true, what);
}

static void die(walk *self, world w, size_t a)
{
    char what[48];
    say(what, &w, a, "dies", 0);
    w.faults++;
    w.actors[a] = (actor){ .life = w.actors[a].life + 1 };
    arrive(self, &w, true, what);
}

static void shake(world *w)
{
    for (size_t i = 0; i < ACTORS; i++)
        if (w->actors[i].phase != IDLE && w->actors[i].phase != TOLD)
            w->actors[i].suspect = w->actors[i].shaken = 1;
    w->faults++;
}

static void flush(walk *self, world w)
{
    w.picture = number_of(self, "");
    shake(&w);
    arrive(self, &w, true, "Redis is flushed");
}

static void fail_over(walk *self, world w)
{
    w.picture = w.older;
    w.older = -1;
    shake(&w);
    arrive(self, &w, true, "Redis is set back");
}

/* A lease that nobody renews, since its holder is dead or never knew of it. */
static void expire(walk *self, const world *w, size_t file)
{
    record now = look(self, picture_of(self, w->picture), file);
    if (!*now.lease)
        return;
    for (size_t i = 0; i < self->scene->actors; i++) {
        char holder[16], lease[40];
        const actor *a = &w->actors[i];
        name_holder(w, i, holder);
        snprintf(lease, sizeof lease, "%s %lld", holder, (long long)a->epochs[file]);
        if (strcmp(lease, now.lease) == 0 && a->files[file] == OURS && !a->lapsed)
            return;
    }
    world next = *w;
    char what[48];
    snprintf(what, sizeof what, "the lease of %.20s %zu expires", now.lease, file);
    drop_leases(self, &next, file, now.lease);
    arrive(self, &next, false, what);
}

static void hurt(walk *self, const world *w)
{
    if (w->faults >= self->scene->faults)
        return;
    if (self->scene->failover && w->older < 0) {
        world behind = *w;
        behind.older = w->picture;
        arrive(self, &behind, true, "the replica falls behind");
    }
    for (size_t a = 0; a < self->scene->actors; a++) {
        const actor *one = &w->actors[a];
        if (one->phase != TOLD)
            die(self, *w, a);
        if (one->phase != TOLD && !one->lapsed && count_files(self, w, a, OURS))
            pause_past_lease(self, *w, a);
    }
    flush(self, *w);
    if (w->older >= 0)
        fail_over(self, *w);
}

/* ---- the walk ---- */

/* Whatever happened, without more faults every task can still end. */
static void check_ends(walk *self)
{
    bool *good = gc_xcalloc(self->count + 1, sizeof *good);
    for (size_t i = 0; i < self->count; i++) {
        good[i] = true;
        for (size_t a = 0; a < self->scene->actors; a++)
            good[i] &= self->worlds[i].actors[a].phase == TOLD;
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t i = self->edge_count; i-- > 0;)
            if (good[self->edges[i].to] && !good[self->edges[i].from])
                more = good[self->edges[i].from] = true;
    }
    for (size_t i = 0; i < self->count && !self->broken; i++) {
        self->at = i;
        insist(self, good[i], "end", "a task can never end");
    }
    free(good);
}

static void make_tasks(walk *self)
{
    for (size_t a = 0; a < self->scene->actors; a++) {
        char id[32];
        snprintf(id, sizeof id, "t%zu", a);
        self->tasks[a] = sample_task(id, "f", self->scene->files[a]);
        self->tasks[a].reuse = self->scene->reuse;
    }
}

static void end_walk(walk *self)
{
    model_store_destroy(&self->store);
    for (size_t a = 0; a < self->scene->actors; a++)
        sample_task_release(&self->tasks[a]);
    gc_map_destroy(&self->numbers);
    gc_map_destroy(&self->seen);
    gc_strv_release(&self->pictures);
    free(self->of_pictures);
    free(self->worlds);
    free(self->steps);
    free(self->edges);
}

size_t walk_all(const scene *s, char **broken)
{
    walk self = { .scene = s, .numbers = gc_map_new(), .seen = gc_map_new() };
    world start = { .older = -1 };
    make_tasks(&self);
    self.store = model_store_new(s->flaw, self.tasks);
    start.picture = number_of(&self, "");
    arrive(&self, &start, true, "");
    for (; self.at < self.count && !self.broken; self.at++) {
        world now = self.worlds[self.at];
        for (size_t f = 0; f < MODEL_FILES && f < s->files[0]; f++) {
            check_file(&self, &now, f);
            expire(&self, &now, f);
        }
        for (size_t a = 0; a < s->actors; a++)
            act(&self, &now, a);
        hurt(&self, &now);
    }
    if (!self.broken)
        check_ends(&self);
    print_message("%zu worlds, %zu steps, %zu questions to Redis\n", self.count,
                  self.edge_count, model_store_asked(self.store));
    size_t count = self.count;
    *broken = self.broken;
    end_walk(&self);
    return count;
}
