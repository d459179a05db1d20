#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>

static const gc_question *question(const gc_fcs *fcs, const char *subject)
{
    for (size_t i = 0; i < fcs->question_count; i++)
        if (strcmp(fcs->questions[i].subject, subject) == 0)
            return &fcs->questions[i];
    return NULL;
}

static char *id_of(const char *yaml, const char *subject)
{
    gc_fcs *fcs = must_build(yaml);
    const gc_question *q = question(fcs, subject);
    assert_non_null(q);
    assert_null(q->answer);
    char *id = strdup(q->id);
    gc_fcs_destroy(&fcs);
    return id;
}

/* The spec with this one answer. */
static gc_fcs *answered(const char *yaml, const char *subject, const char *answer)
{
    char *id = id_of(yaml, subject), answers[400];
    snprintf(answers, sizeof answers, "{\"%s\": \"%s\"}", id, answer);
    free(id);
    return must_build_answered(yaml, answers);
}

static const char vague[] =
    "name: s\nrequirements:\n- {id: R-1, text: must be fast and easy}\n";

static void test_clarify_asks_about_vague_words(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(vague);
    assert_int_equal(1, fcs->question_count);
    assert_string_equal("What exactly does \"fast\", \"easy\" mean in requirement R-1?",
                        fcs->questions[0].text);
    assert_int_equal(3, fcs->questions[0].line);
    gc_fcs_destroy(&fcs);
    fcs = must_build(
        "name: s\nrequirements: [answers fast in 20 ms, breakfast is served]\n");
    assert_int_equal(0, fcs->question_count);
    gc_fcs_destroy(&fcs);
}

static void test_clarify_answers_join_the_text(void **state)
{
    (void)state;
    gc_fcs *fcs = answered(vague, "requirement R-1", "below 10 ms");
    assert_string_equal("must be fast and easy\nClarified: below 10 ms",
                        fcs->requirements[0].text);
    assert_string_equal("below 10 ms", fcs->questions[0].answer);
    gc_fcs_destroy(&fcs);
}

static void test_clarify_default_said_or_taken_is_the_same(void **state)
{
    (void)state;
    gc_fcs *open = must_build(vague);
    gc_fcs *said = answered(vague, "requirement R-1", open->questions[0].default_answer);
    assert_string_equal(gc_fcs_sha(open).hex, gc_fcs_sha(said).hex);
    assert_non_null(said->questions[0].answer);
    gc_fcs_destroy(&open);
    gc_fcs_destroy(&said);
}

static void test_clarify_ids_are_stable(void **state)
{
    (void)state;
    char *a = id_of(vague, "requirement R-1");
    char *b = id_of(
        "name: other\nentities: {A: {id: uuid}}\nrequirements: [x, {id: R-1, text: must "
        "be fast}]\n",
        "requirement R-1");
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static const char empty_entity[] = "name: s\nentities: [Order]\n";

static void test_clarify_gives_fields(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(empty_entity);
    assert_int_equal(4, fcs->entities[0].field_count);
    gc_fcs_destroy(&fcs);
    fcs = answered(empty_entity, "entity Order", "id: int64, total: decimal(10, 2)");
    assert_int_equal(2, fcs->entities[0].field_count);
    assert_string_equal("float64", must_field(fcs, "Order", "total")->go_type);
    gc_fcs_destroy(&fcs);
}

static void test_clarify_completes_enums(void **state)
{
    (void)state;
    const char *yaml = "name: s\nentities: {A: {s: 'enum(x, y, ...)'}}\n";
    gc_fcs *fcs = must_build(yaml);
    assert_int_equal(2, must_field(fcs, "A", "s")->enum_values.count);
    assert_string_equal("Which values does A.s have besides x, y?",
                        fcs->questions[0].text);
    gc_fcs_destroy(&fcs);
    fcs = answered(yaml, "field A.s", "z, w");
    assert_string_equal("w", must_field(fcs, "A", "s")->enum_values.items[3]);
    gc_fcs_destroy(&fcs);
}

static void test_clarify_finds_the_entity_of_contracts(void **state)
{
    (void)state;
    const char *yaml =
        "name: s\nentities: {User: {id: uuid}}\nendpoints: [POST /login, GET /health]\n";
    gc_fcs *fcs = answered(yaml, "contract POST /login", "user");
    assert_string_equal("User", fcs->contracts[1].entity);
    assert_null(question(fcs, "contract GET /health"));
    gc_fcs_destroy(&fcs);
}

static void test_clarify_asks_for_bounds_once(void **state)
{
    (void)state;
    const char *yaml =
        "name: s\nentities: {A: {id: uuid, t: string}, B: {id: uuid, t: string}}\n"
        "endpoints: [GET /as, GET /bs]\n";
    gc_fcs *fcs = answered(yaml, "lists", "at most 10");
    assert_int_equal(2, fcs->question_count);
    assert_string_equal("Paging of lists: at most 10", fcs->requirements[0].text);
    gc_fcs_destroy(&fcs);
}

static void expect_answer_error(const char *answers, const char *words)
{
    gc_node *spec = NULL, *answer = NULL;
    gc_diags diags, answer_diags;
    gc_fcs *fcs = NULL;
    gc_diags_init(&diags, "spec");
    gc_diags_init(&answer_diags, "answers");
    must_ok(gc_doc_parse(vague, strlen(vague), GC_DOC_YAML, &diags, &spec));
    must_ok(gc_doc_parse(answers, strlen(answers), GC_DOC_YAML, &answer_diags, &answer));
    expect_err(GC_EINVAL, gc_fcs_build(spec, answer, 0, &diags, &answer_diags, &fcs));
    assert_null(fcs);
    assert_int_equal(0, diags.errors);
    assert_non_null(strstr(answer_diags.items[0].text, words));
    gc_node_destroy(&spec);
    gc_node_destroy(&answer);
    gc_diags_release(&diags);
    gc_diags_release(&answer_diags);
}

static void test_clarify_refuses_unknown_ids(void **state)
{
    (void)state;
    char *id = id_of(vague, "requirement R-1"), answers[200];
    expect_answer_error("{Q-zzz: x}", "no question of this spec");
    snprintf(answers, sizeof answers, "{%.9sx: y}", id);
    expect_answer_error(answers, id);
    snprintf(answers, sizeof answers,
             "[{question_id: %s, answer: a}, {question_id: %s, answer: b}]", id, id);
    expect_answer_error(answers, "twice");
    expect_answer_error("answers: [{answer: a}]", "no question_id");
    free(id);
}

static void test_clarify_both_forms_of_answers(void **state)
{
    (void)state;
    char *id = id_of(vague, "requirement R-1"), answers[200];
    gc_fcs *flat = answered(vague, "requirement R-1", "x");
    snprintf(answers, sizeof answers,
             "{\"answers\": [{\"question_id\": \"%s\", \"answer\": \"x\"}]}", id);
    gc_fcs *list = must_build_answered(vague, answers);
    assert_string_equal(gc_fcs_sha(flat).hex, gc_fcs_sha(list).hex);
    gc_fcs_destroy(&flat);
    gc_fcs_destroy(&list);
    free(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clarify_asks_about_vague_words),
        cmocka_unit_test(test_clarify_answers_join_the_text),
        cmocka_unit_test(test_clarify_default_said_or_taken_is_the_same),
        cmocka_unit_test(test_clarify_ids_are_stable),
        cmocka_unit_test(test_clarify_gives_fields),
        cmocka_unit_test(test_clarify_completes_enums),
        cmocka_unit_test(test_clarify_finds_the_entity_of_contracts),
        cmocka_unit_test(test_clarify_asks_for_bounds_once),
        cmocka_unit_test(test_clarify_refuses_unknown_ids),
        cmocka_unit_test(test_clarify_both_forms_of_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
