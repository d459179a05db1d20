#include "coordinator/changes.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must_fcs.h"

/* A specification with all that is made of it. */
typedef struct world {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_slicer *slicer;
    gc_prompts *prompts;
    gc_diags diags;
    gc_fp_context ctx;
    gc_facts facts;
} world;

static gc_err template_sha(void *arg, const char *name, gc_sha *out)
{
    (void)arg;
    *out = gc_sha256(name, strlen(name));
    return GC_OK;
}

static world *open_world(const char *yaml, const char *model)
{
    static const gc_plan_options options = { .templates = true, .max_files = 1000 };
    world *w = gc_xcalloc(1, sizeof *w);
    w->fcs = must_build(yaml);
    gc_diags_init(&w->diags, "spec");
    must_ok(gc_plan_make(w->fcs, &options, &w->diags, &w->plan));
    must_ok(gc_prompts_load("", &w->prompts, NULL));
    w->slicer = gc_slicer_new(w->fcs);
    w->ctx = (gc_fp_context){ .fcs = w->fcs,
                              .plan = w->plan,
                              .slicer = w->slicer,
                              .prompts = w->prompts,
                              .response_format = "tags",
                              .model = model,
                              .effort = "low" };
    w->facts = gc_facts_of(&w->ctx, template_sha, NULL);
    return w;
}

static void close_world(world *w)
{
    gc_facts_release(&w->facts);
    gc_slicer_destroy(&w->slicer);
    gc_prompts_destroy(&w->prompts);
    gc_plan_destroy(&w->plan);
    gc_fcs_destroy(&w->fcs);
    gc_diags_release(&w->diags);
    free(w);
}

#define HEAD "name: shop\nkind: http\n"
#define COUNTRY "- {name: Country, attributes: {id: uuid, name: string}}\n"
#define ADDRESS \
    "- {name: Address, attributes: {id: uuid, street: string, country: Country}}\n"
#define ENTITIES "entities:\n" COUNTRY ADDRESS
#define RULE "requirements:\n- {id: FR-1, description: An Address has a street}\n"
#define GET "contracts:\n- {method: POST, path: '/countries/{id}/close'}\n"

static const char base[] = HEAD ENTITIES RULE GET;

static const struct {
    const char *yaml;
    const char *text;    /* what is said of it */
    const char *touched; /* a file that it is an input of, or NULL */
    const char *other;   /* one that it is none of, or NULL */
} edits[] = {
    { HEAD "entities:\n- {name: Country, attributes: {id: uuid, name: string, "
           "calling_code: string}}\n" ADDRESS RULE GET,
      "Country.calling_code added", "internal/country/country.go",
      "internal/address/address_service.go" },
    { HEAD "entities:\n- {name: Country, attributes: {id: uuid}}\n" ADDRESS RULE GET,
      "Country.name removed", "internal/country/country_service.go",
      "internal/address/address.go" },
    { HEAD
      "entities:\n- {name: Country, attributes: {id: int, name: string}}\n" ADDRESS RULE
          GET,
      "Country.id: type uuid → int, Go type string → int", "internal/address/address.go",
      NULL },
    { HEAD "entities:\n- {name: Country, attributes: {id: uuid, name: {type: string, "
           "required: true, max_length: 9}}}\n" ADDRESS RULE GET,
      "Country.name: required no → yes, rules none → max_length=9", NULL, NULL },
    { HEAD "entities:\n" COUNTRY ADDRESS
           "- {name: Zone, attributes: {id: uuid, size: int}}\n" RULE GET,
      "entity Zone added", "internal/zone/zone.go", "internal/country/country.go" },
    { HEAD "entities:\n" COUNTRY RULE GET, "entity Address removed",
      "internal/server/router.go", "internal/country/country.go" },
    { HEAD ENTITIES GET, "requirement FR-1 removed",
      "internal/address/address_service.go", "internal/country/country.go" },
    { HEAD ENTITIES
      "requirements:\n- {id: FR-1, description: An Address has a number}\n" GET,
      "requirement FR-1: text changed", "internal/address/address.go",
      "internal/country/country_service.go" },
    { HEAD ENTITIES RULE "contracts:\n- {method: POST, path: '/countries/{id}/close'}\n"
                         "- {method: POST, path: '/countries/{id}/open'}\n",
      "contract POST /countries/{id}/open added", "internal/country/country_handler.go",
      "internal/address/address_handler.go" },
    { "name: shop\nkind: http\ngo: \"1.23\"\n" ENTITIES RULE GET,
      "Go version 1.22 → 1.23", "internal/country/country.go", NULL },
    { HEAD "description: Sells things\n" ENTITIES RULE GET,
      "description none → Sells things", "internal/country/country_service.go", NULL },
};
#define EDITS (sizeof edits / sizeof *edits)

static const gc_plan_file *file(const world *w, const char *path)
{
    long index = gc_plan_find(w->plan, path);
    if (index < 0)
        fail_msg("%s is not in the plan", path);
    return &w->plan->files[index];
}

static bool touches(const gc_changes *changes, const gc_plan_file *f, const char *text)
{
    size_t cursor = 0;
    const gc_change *c;
    while ((c = gc_changes_next(changes, f, &cursor)))
        if (strcmp(c->text, text) == 0)
            return true;
    return false;
}

static void test_changes_are_named(void **state)
{
    (void)state;
    world *before = open_world(base, "model-x");
    for (size_t i = 0; i < EDITS; i++) {
        world *now = open_world(edits[i].yaml, "model-x");
        gc_changes changes = gc_changes_between(&before->facts, &now->facts);
        if (!touches(&changes, NULL, edits[i].text)) {
            for (size_t k = 0; k < changes.count; k++)
                print_message("%s\n", changes.items[k].text);
            fail_msg("not said: %s", edits[i].text);
        }
        if (edits[i].touched)
            assert_true(touches(&changes, file(now, edits[i].touched), edits[i].text));
        if (edits[i].other)
            assert_false(touches(&changes, file(now, edits[i].other), edits[i].text));
        gc_changes_release(&changes);
        close_world(now);
    }
    close_world(before);
}

static gc_sha fingerprint(const world *w, const gc_plan_file *f)
{
    gc_sha *apis = gc_xcalloc(f->edge_count + 1, sizeof *apis);
    gc_sha sha = gc_fingerprint_llm(&w->ctx, f, apis);
    free(apis);
    return sha;
}

/* Of the file itself or of one that it depends on. */
static bool has_a_reason(const world *w, const gc_changes *changes, const gc_plan_file *f)
{
    size_t cursor = 0;
    if (gc_changes_next(changes, f, &cursor))
        return true;
    for (size_t e = 0; e < f->edge_count; e++) {
        cursor = 0;
        if (gc_changes_next(changes, &w->plan->files[f->edges[e].file], &cursor))
            return true;
    }
    return false;
}

/* From each specification to each other. */
static void test_changes_explain_every_new_fingerprint(void **state)
{
    (void)state;
    for (size_t a = 0; a < EDITS; a++) {
        world *before = open_world(edits[a].yaml, "model-x");
        for (size_t b = 0; b < EDITS; b++) {
            world *now = open_world(edits[b].yaml, "model-x");
            gc_changes changes = gc_changes_between(&before->facts, &now->facts);
            assert_int_equal(changes.count == 0, a == b);
            for (size_t i = 0; i < now->plan->file_count; i++) {
                const gc_plan_file *f = &now->plan->files[i];
                long old = gc_plan_find(before->plan, f->path);
                if (f->how != GC_BY_LLM || old < 0)
                    continue;
                gc_sha was = fingerprint(before, &before->plan->files[old]),
                       is = fingerprint(now, f);
                if (strcmp(was.hex, is.hex) != 0 && !has_a_reason(now, &changes, f))
                    fail_msg("%zu to %zu: no reason for %s", a, b, f->path);
            }
            gc_changes_release(&changes);
            close_world(now);
        }
        close_world(before);
    }
}

static void test_changes_of_settings(void **state)
{
    (void)state;
    world *before = open_world(base, "model-x"), *now = open_world(base, "model-y");
    gc_changes changes = gc_changes_between(&before->facts, &now->facts);
    assert_int_equal(changes.count, 1);
    assert_string_equal(changes.items[0].text, "model model-x → model-y");
    assert_true(touches(&changes, file(now, "internal/country/country.go"),
                        "model model-x → model-y"));
    assert_false(touches(&changes, file(now, "go.mod"), "nothing"));
    gc_changes_release(&changes);
    close_world(before);
    close_world(now);
}

static void test_changes_of_order_and_comments_are_none(void **state)
{
    (void)state;
    world *before = open_world(base, "m");
    world *now = open_world("# shop\n" GET RULE "entities:\n" ADDRESS COUNTRY HEAD, "m");
    gc_changes changes = gc_changes_between(&before->facts, &now->facts);
    assert_int_equal(changes.count, 0);
    gc_changes_release(&changes);
    close_world(before);
    close_world(now);
}

/* Read back, the facts are the same. */
static void test_changes_facts_survive_the_disk(void **state)
{
    (void)state;
    world *w = open_world(base, "m");
    gc_facts again;
    gc_buf text, second;
    gc_buf_init(&text, GC_BASIS_MAX_BYTES);
    gc_buf_init(&second, GC_BASIS_MAX_BYTES);
    gc_facts_print(&w->facts, &text);
    must_ok(gc_facts_parse(text.ptr, text.len, &again));
    gc_facts_print(&again, &second);
    assert_string_equal(text.ptr, second.ptr);
    gc_changes changes = gc_changes_between(&w->facts, &again);
    assert_int_equal(changes.count, 0);
    gc_changes_release(&changes);
    gc_facts_release(&again);
    gc_buf_release(&text);
    gc_buf_release(&second);
    close_world(w);
}

static void test_changes_damaged_facts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"schema\":2,\"facts\":{}}",
        "{\"schema\":1,\"facts\":[]}",
        "{\"schema\":1,\"facts\":{\"a\":1}}",
        "{\"schema\":1,\"facts\":{\"a\":{\"about\":[1],\"says\":[]}}}",
        "{\"schema\":1,\"facts\":{\"a\":{\"about\":[],\"says\":[\"odd\"]}}}"
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        gc_facts facts;
        expect_err(GC_EPROTO, gc_facts_parse(texts[i], strlen(texts[i]), &facts));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_named),
        cmocka_unit_test(test_changes_explain_every_new_fingerprint),
        cmocka_unit_test(test_changes_of_settings),
        cmocka_unit_test(test_changes_of_order_and_comments_are_none),
        cmocka_unit_test(test_changes_facts_survive_the_disk),
        cmocka_unit_test(test_changes_damaged_facts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
