/* Random specifications, edited at random, made again and again in a tree of this test's own:
 * whatever was edited, by hand too, an incremental run must come to what a clean one comes
 * to, touch nothing else, and lose nothing. GC_TEST_SEED replays a failure. */
#include "coordinator/decide.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "support/must.h"
#include "unit/coordinator/decide_random_sim.h"

#define SPECS 40
#define EDITS 25 /* of each specification: 1,000 in all */

static struct {
    random_source random;
    uint64_t seed; /* of the first specification */
    uint64_t spec_seed;
    const char *edit; /* the last one */
    bool passed;
    size_t kept, made, cut_off, foreseen, hand_edits, removed, left,
        broken_off; /* in all */
} t;

static size_t draw(size_t below)
{
    return random_below(&t.random, below);
}

/* ---- one run ---- */

typedef enum sim_step {
    SIM_OPEN,
    SIM_READY, /* to be made */
    SIM_DONE
} sim_step;

typedef struct play {
    const world *world;
    sim *sim;
    gc_decider *decider;
    gc_on_edit on_edit;
    sim_step *steps;
    size_t *ready;
    size_t ready_count;
    size_t made, removed;
    bool knowing;
} play;

static const char *path_of(const play *self, size_t file)
{
    return self->world->plan->files[file].path;
}

static void play_open(play *self, const world *w, sim *s, gc_on_edit on_edit)
{
    *self = (play){ .world = w, .sim = s, .on_edit = on_edit };
    self->decider = gc_decider_new(
        w->plan, &s->state,
        (gc_decide_options){ .on_edit = on_edit, .unfinished = s->unfinished });
    self->steps = gc_xcalloc(w->plan->file_count, sizeof *self->steps);
    self->ready = gc_xcalloc(w->plan->file_count, sizeof *self->ready);
}

static void play_close(play *self)
{
    gc_decider_destroy(&self->decider);
    free(self->steps);
    free(self->ready);
}

static void settle(play *self, size_t file)
{
    gc_decider_settle(self->decider, file,
                      &sim_find(self->sim, path_of(self, file))->api);
    self->steps[file] = SIM_DONE;
}

/* The state's entry, of what was made with what stands on disk now. */
static void record(play *self, size_t file, const gc_sha *made)
{
    const sim_file *there = sim_find(self->sim, path_of(self, file));
    gc_state_file *f = gc_state_require(&self->sim->state, path_of(self, file));
    f->fingerprint[0] = f->api[0] = f->kept_sha[0] = '\0';
    memcpy(f->fingerprint, gc_decider_file(self->decider, file)->fingerprint.hex,
           sizeof f->fingerprint);
    if (made)
        memcpy(f->sha256, made->hex, sizeof f->sha256);
    if (there->surface)
        memcpy(f->api, there->api.hex, sizeof f->api);
    f->kept = strcmp(f->sha256, there->sha.hex) != 0;
    if (f->kept)
        memcpy(f->kept_sha, there->sha.hex, sizeof f->kept_sha);
}

static void decide(play *self, size_t file)
{
    const gc_plan_file *f = &self->world->plan->files[file];
    gc_sha fingerprint = f->how == GC_BY_TEMPLATE
                             ? world_template_fingerprint(self->world, file)
                             : gc_fingerprint_llm(&self->world->ctx, f,
                                                  gc_decider_apis(self->decider, file));
    gc_tree_file tree = sim_look(self->sim, f->path, self->knowing);
    gc_decision d = gc_decider_decide(self->decider, file, &fingerprint, &tree);
    if (gc_decider_stands(self->decider, file)) {
        if (d.action == GC_KEEP_EDIT)
            record(self, file, NULL);
        settle(self, file);
    } else {
        self->steps[file] = SIM_READY;
        self->ready[self->ready_count++] = file;
    }
}

static void decide_more(play *self)
{
    size_t file;
    while (gc_decider_next(self->decider, GC_BY_LLM, &file) ||
           gc_decider_next(self->decider, GC_BY_TEMPLATE, &file)) {
        assert_int_equal(self->steps[file], SIM_OPEN);
        decide(self, file);
    }
}

/* A hand edit is overwritten only where the user asked for that. */
static void write_made(play *self, size_t file, const char *text)
{
    const char *path = path_of(self, file);
    gc_action action = gc_decider_file(self->decider, file)->decision.action;
    const sim_file *there = sim_find(self->sim, path);
    gc_sha made = gc_sha256(text, strlen(text));
    gc_map_set(self->sim->ours, made.hex, self);
    free(gc_map_set(self->sim->written, path, gc_xstrdup(made.hex)));
    if (there && action == GC_MAKE_BESIDE && self->on_edit == GC_EDIT_KEEP &&
        strcmp(there->sha.hex, made.hex) != 0) {
        record(self, file, &made);
        return;
    }
    if (there && there->by_hand && self->on_edit == GC_EDIT_KEEP &&
        strcmp(there->sha.hex, made.hex) != 0)
        fail_msg("%s was written by hand and is lost", path);
    sim_write(self->sim, path, text);
    record(self, file, &made);
}

/* Calls end in any order. */
static void make_one(play *self)
{
    size_t turn = draw(self->ready_count), file = self->ready[turn];
    gc_sha inputs = sim_inputs(self->world, self->sim, file);
    char *answer = NULL;
    self->ready[turn] = self->ready[--self->ready_count];
    if (!self->world->rendered[file])
        answer = sim_answer(path_of(self, file), &inputs);
    write_made(self, file, answer ? answer : self->world->rendered[file]);
    free(answer);
    self->made++;
    settle(self, file);
    decide_more(self);
}

static void remove_orphans(play *self)
{
    for (size_t i = 0; i < gc_decider_orphans(self->decider); i++) {
        const char *path = gc_decider_orphan(self->decider, i)->path;
        gc_tree_file tree = sim_look(self->sim, path, self->knowing);
        gc_decision d = gc_decider_decide_orphan(self->decider, i, &tree);
        bool by_hand = tree.exists && sim_find(self->sim, path)->by_hand;
        assert_int_equal(d.action, by_hand ? GC_LEAVE : GC_REMOVE);
        t.left += by_hand;
        if (by_hand)
            continue;
        sim_remove(self->sim, path);
        gc_state_remove(&self->sim->state, path);
        self->removed++;
    }
}

/* The checkpoint knows files that neither state nor plan have. */
static void adopt(play *self)
{
    size_t cursor = 0;
    const char *path;
    void *sha;
    while (gc_map_next(self->sim->written, &cursor, &path, &sha)) {
        const sim_file *f = sim_find(self->sim, path);
        if (f && strcmp(f->sha.hex, sha) == 0 &&
            gc_plan_find(self->world->plan, path) < 0 &&
            !gc_state_find(&self->sim->state, path))
            memcpy(gc_state_require(&self->sim->state, path)->sha256, f->sha.hex,
                   sizeof f->sha.hex);
    }
}

/* What a run does: a look first, and only if something is to be made the checkpoint of the job
 * before, which tells what is ours. `most`: it is killed after so many files. */
static void play_run(play *self, size_t most)
{
    decide_more(self);
    if (self->ready_count || gc_decider_doubts(self->decider)) {
        self->knowing = true;
        adopt(self);
        self->ready_count = 0;
        for (size_t i = 0; i < self->world->plan->file_count; i++)
            if (self->steps[i] == SIM_READY)
                self->steps[i] = SIM_OPEN;
        gc_decider_reopen(self->decider);
        decide_more(self);
    }
    while (self->ready_count && self->made < most)
        make_one(self);
    self->sim->unfinished = self->ready_count > 0;
    if (!self->sim->unfinished)
        remove_orphans(self);
}

/* ---- what must hold ---- */

static void expect_same_files(const sim *a, const sim *b, const char *who)
{
    size_t cursor = 0;
    const char *path;
    void *value;
    while (gc_map_next(a->files, &cursor, &path, &value)) {
        const sim_file *mine = value, *other = sim_find(b, path);
        if (!other || strcmp(mine->sha.hex, other->sha.hex) != 0)
            fail_msg("%s: %s in %s tree", path, other ? "differs" : "only", who);
    }
}

/* From nothing but what was written by hand. */
static void play_clean(const world *w, const sim *from, gc_on_edit on_edit, sim *clean,
                       play *run)
{
    size_t cursor = 0;
    const char *path;
    void *value;
    sim_init(clean);
    while (gc_map_next(from->files, &cursor, &path, &value)) {
        if (!((sim_file *)value)->by_hand)
            continue;
        sim_file *copy = gc_xcalloc(1, sizeof *copy);
        *copy = *(sim_file *)value;
        gc_map_set(clean->files, path, copy);
    }
    play_open(run, w, clean, on_edit);
    play_run(run, SIZE_MAX);
}

static void copy_state(const gc_state *from, gc_state *to)
{
    size_t cursor = 0;
    const char *path;
    void *value;
    gc_state_init(to);
    while (gc_map_next(from->files, &cursor, &path, &value))
        gc_state_copy_file(to, path, value);
}

/* By the fingerprints of the clean run, which knows all true APIs: what had other inputs was
 * made, what had the same was not. */
static void expect_least_work(const play *run, const play *clean, const gc_state *before)
{
    for (size_t i = 0; i < run->world->plan->file_count; i++) {
        const gc_state_file *was = gc_state_find(before, path_of(run, i));
        const gc_decided *d = gc_decider_file(run->decider, i);
        const char *inputs = gc_decider_file(clean->decider, i)->fingerprint.hex;
        gc_action action = d->decision.action;
        bool same = was && strcmp(was->fingerprint, inputs) == 0;
        bool made = action == GC_MAKE || action == GC_MAKE_BESIDE;
        assert_string_equal(d->fingerprint.hex, inputs);
        if (made == same)
            fail_msg("%s: %s (%s), but its inputs are %s", path_of(run, i),
                     gc_action_str(action), gc_why_str(d->decision.why),
                     same ? "the same" : "others");
        if (made && was && sim_same_inputs(run->sim, run->world, i))
            fail_msg("%s: made, though nothing that it is about has changed",
                     path_of(run, i));
        t.kept += action == GC_KEEP;
    }
}

/* A file is cut off if a real dependency was made anew and it was not. */
static void count_cut_off(const play *run)
{
    for (size_t i = 0; i < run->world->plan->file_count; i++) {
        const gc_plan_file *f = &run->world->plan->files[i];
        bool behind = false;
        for (size_t e = 0; e < f->edge_count; e++) {
            const gc_decided *dep = gc_decider_file(run->decider, f->edges[e].file);
            behind |= f->edges[e].kind == GC_EDGE_REAL &&
                      dep->decision.action == GC_MAKE && !dep->api_changed;
        }
        t.cut_off +=
            behind && gc_decider_file(run->decider, i)->decision.action == GC_KEEP;
    }
}

static bool api_changed_below(const play *self, size_t file)
{
    const gc_plan_file *f = &self->world->plan->files[file];
    for (size_t e = 0; e < f->edge_count; e++)
        if (f->edges[e].kind == GC_EDGE_REAL &&
            gc_decider_file(self->decider, f->edges[e].file)->api_changed)
            return true;
    return false;
}

/* What is sure of those that wait for others. */
static void foresee(play *self)
{
    for (size_t i = 0; i < self->world->plan->file_count; i++) {
        const gc_plan_file *f = &self->world->plan->files[i];
        if (gc_decider_file(self->decider, i)->decision.action != GC_PENDING)
            continue;
        gc_sha fingerprint = gc_fingerprint_llm(&self->world->ctx, f,
                                                gc_decider_last_apis(self->decider, i));
        gc_decider_foresee(self->decider, i, &fingerprint);
    }
}

/* A run finds all as the look before it said, where that was sure. */
static void expect_as_foretold(const play *look, const play *run)
{
    for (size_t i = 0; i < look->world->plan->file_count; i++) {
        gc_decision said = gc_decider_file(look->decider, i)->decision;
        gc_decision done = gc_decider_file(run->decider, i)->decision;
        bool made = done.action == GC_MAKE || done.action == GC_MAKE_BESIDE;
        if (said.action == GC_PENDING) {
            assert_true(gc_decider_waits_for(look->decider, i) >= 0);
            t.foreseen += said.why != GC_WHY_WAITS;
            if (!made && said.why != GC_WHY_WAITS)
                fail_msg("%s: %s, but was not made", path_of(look, i),
                         gc_why_str(said.why));
            if (made && said.why == GC_WHY_WAITS && !api_changed_below(run, i))
                fail_msg("%s: was made, though no API has changed", path_of(look, i));
        } else if (said.action != done.action || said.why != done.why)
            fail_msg("%s: said to be %s, was %s", path_of(look, i),
                     gc_action_str(said.action), gc_action_str(done.action));
    }
}

static void expect_rest(const world *w, sim *s, gc_on_edit on_edit)
{
    play again;
    play_open(&again, w, s, on_edit);
    play_run(&again, SIZE_MAX);
    assert_int_equal(again.made, 0);
    assert_int_equal(again.removed, 0);
    play_close(&again);
}

/* ---- what happens to the tree between runs ---- */

static sim_file *some_file(const sim *self, const char **path)
{
    size_t count = gc_map_count(self->files), cursor = 0;
    void *value = NULL;
    if (!count)
        return NULL;
    for (size_t i = draw(count) + 1; i > 0; i--)
        gc_map_next(self->files, &cursor, path, &value);
    return value;
}

/* Some edits leave the surface as it is, some do not, some do not even parse. */
static void edit_by_hand(sim *self)
{
    const char *path;
    if (!some_file(self, &path))
        return;
    static const char *const bodies[] = { "package p\n\nfunc Surface0() {}\n",
                                          "package p\n\nfunc Mine() {}\n", "package" };
    char *name = gc_xstrdup(path);
    char *text = gc_xasprintf("// mine, %zu\n%s", ++t.hand_edits, bodies[draw(3)]);
    sim_write(self, name, text)->by_hand = true;
    free(text);
    free(name);
}

static void delete_by_hand(sim *self)
{
    const char *path;
    if (!some_file(self, &path))
        return;
    char *name = gc_xstrdup(path);
    sim_remove(self, name);
    free(name);
}

static bool touch_tree(sim *self)
{
    switch (draw(6)) {
    case 0: edit_by_hand(self); return true;
    case 1: delete_by_hand(self); return true;
    default: return false;
    }
}

/* A kill: what was written is on disk, and maybe the state never heard of it. */
static void broken_run(const world *w, sim *s)
{
    play run;
    gc_state old;
    copy_state(&s->state, &old);
    play_open(&run, w, s, GC_EDIT_KEEP);
    play_run(&run, draw(5));
    if (s->unfinished && draw(2)) {
        gc_state_release(&s->state);
        s->state = old;
    } else {
        gc_state_release(&old);
    }
    if (!s->unfinished)
        sim_keep_inputs(s, w); /* it came to its end after all */
    t.broken_off += s->unfinished;
    play_close(&run);
}

/* ---- the test ---- */

/* `still`: neither specification nor tree have changed since the last run. */
static void step(const world *w, sim *s, bool still)
{
    gc_on_edit on_edit = draw(4) ? GC_EDIT_KEEP : GC_EDIT_OVERWRITE;
    play look, run, check;
    sim clean;
    gc_state old;
    bool sure = !s->unfinished;
    copy_state(&s->state, &old);
    play_open(&look, w, s, on_edit);
    decide_more(&look);
    foresee(&look);
    play_clean(w, s, on_edit, &clean, &check);
    play_open(&run, w, s, on_edit);
    play_run(&run, SIZE_MAX);
    if (still && on_edit == GC_EDIT_KEEP)
        assert_int_equal(run.made + run.removed, 0);
    expect_same_files(s, &clean, "the incremental");
    expect_same_files(&clean, s, "the clean");
    if (sure) {
        expect_least_work(&run, &check, &old);
        expect_as_foretold(&look, &run);
        count_cut_off(&run);
    }
    sim_keep_inputs(s, w);
    t.made += run.made;
    t.removed += run.removed;
    expect_rest(w, s, on_edit);
    play_close(&look);
    play_close(&run);
    play_close(&check);
    sim_release(&clean);
    gc_state_release(&old);
}

static void play_spec(uint64_t seed, bool files)
{
    random_spec *spec = random_spec_new(seed, files);
    sim s;
    t.spec_seed = t.random.state = seed;
    sim_init(&s);
    bool still = false;
    for (int edit = 0; edit <= EDITS; edit++) {
        t.edit = edit ? random_spec_edit(spec) : "";
        world w = world_open(spec);
        still &= !touch_tree(&s) && !*t.edit;
        if (draw(8) == 0) {
            broken_run(&w, &s);
            still = false;
        } else {
            step(&w, &s, still);
            still = true;
        }
        world_close(&w);
    }
    sim_release(&s);
    random_spec_destroy(&spec);
}

static void test_decide_random_edits(void **state)
{
    (void)state;
    t.passed = false;
    for (int i = 0; i < SPECS; i++)
        play_spec(t.seed + (uint64_t)i, (t.seed + (uint64_t)i) % 2 == 0);
    print_message(
        "%zu files kept, %zu made, %zu cut off, %zu foreseen, %zu edited by hand, %zu removed, "
        "%zu left, %zu runs broken off\n",
        t.kept, t.made, t.cut_off, t.foreseen, t.hand_edits, t.removed, t.left,
        t.broken_off);
    assert_true(t.kept && t.made && t.cut_off && t.foreseen && t.removed && t.left &&
                t.broken_off);
    t.passed = true;
}

static int say_seed(void **state)
{
    (void)state;
    if (!t.passed)
        print_error("GC_TEST_SEED=%" PRIu64 " replays it; the last edit: %s\n",
                    t.spec_seed, *t.edit ? t.edit : "none");
    return 0;
}

static int open_all(void **state)
{
    (void)state;
    const char *seed = getenv("GC_TEST_SEED");
    int64_t number = 1;
    if (seed)
        must_ok(gc_parse_i64(seed, 0, INT64_MAX, &number));
    t.seed = (uint64_t)number;
    t.edit = "";
    sim_set_up();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    sim_tear_down();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_decide_random_edits, say_seed),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
