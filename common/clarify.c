#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/naming.h"
#include "common/spec.h"
#include "common/text.h"

/* Open questions, found by rule. The id of a question is a hash of its rule and of what it
 * asks about, so it stays when the spec is reordered. What an answer decides (fields, values,
 * an entity) is done as if the spec had said so, with the default answer as well; an answer
 * in words joins the requirement's text only if it differs from the default. */

#define ID_DIGITS 8
#define LISTED_MAX 5 /* examples in one question */

static const char default_fields[] =
    "id: uuid, name: string, created_at: timestamp, updated_at: timestamp";

/* ---- answers ---- */

static void add_answer(gc_spec *self, const gc_node *at, const char *id,
                       const gc_node *answer)
{
    if (gc_map_has(self->answers, id))
        gc_diags_add(self->answer_diags, GC_SEV_ERROR, at->line, at->column,
                     "question \"%.40s\" is answered twice; remove one answer", id);
    else
        gc_map_set(self->answers, id, (void *)answer);
}

static void load_item(gc_spec *self, const gc_node *item)
{
    const gc_node *id = gc_spec_pick(item, "question_id id question");
    const gc_node *answer = gc_node_get(item, "answer");
    if (!id || id->kind != GC_NODE_SCALAR)
        gc_diags_add(self->answer_diags, GC_SEV_ERROR, item->line, item->column,
                     "an answer has no question_id; write {\"question_id\": \"Q-...\", "
                     "\"answer\": \"...\"}");
    else
        add_answer(self, id, id->text, answer ? answer : item);
}

void gc_clarify_load(gc_spec *self, const gc_node *answers)
{
    self->answers = gc_map_new();
    self->asked = gc_map_new();
    if (!answers || gc_spec_is_null(answers) || !self->answer_diags)
        return;
    const gc_node *list = gc_node_get(answers, "answers");
    if (!list || list->kind < GC_NODE_SEQ)
        list = answers;
    if (list->kind == GC_NODE_SCALAR) {
        gc_diags_add(self->answer_diags, GC_SEV_ERROR, list->line, list->column,
                     "the answers are text; write {\"Q-...\": \"answer\"}");
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->kind == GC_NODE_SEQ)
            load_item(self, list->items[i]);
        else
            add_answer(self, list->keys[i], list->keys[i]->text, list->items[i]);
    }
}

/* "a" or [a, b] as text; NULL while the question is open. */
static char *answer_text(gc_spec *self, const char *id, const gc_node **at)
{
    const gc_node *node = gc_map_get(self->answers, id);
    if (gc_spec_is_null(node))
        return NULL;
    *at = node;
    if (node->kind == GC_NODE_MAP) {
        gc_diags_add(self->answer_diags, GC_SEV_ERROR, node->line, node->column,
                     "the answer to \"%.40s\" is missing or a map; write a text", id);
        return NULL;
    }
    if (node->kind == GC_NODE_SCALAR)
        return gc_spec_trim(node->text);
    gc_strv items = { 0 };
    for (size_t i = 0; i < node->count; i++)
        gc_strv_push(&items, gc_spec_flat(node->items[i]));
    char *text = gc_strv_join(&items, ", ");
    gc_strv_release(&items);
    return text;
}

static void report_unknown(gc_spec *self)
{
    const gc_fcs *fcs = self->fcs;
    const char **ids = gc_xcalloc(fcs->question_count + 1, sizeof *ids);
    for (size_t i = 0; i < fcs->question_count; i++)
        ids[i] = fcs->questions[i].id;
    size_t cursor = 0;
    const char *id;
    void *value;
    while (gc_map_next(self->answers, &cursor, &id, &value)) {
        const gc_node *at = value;
        if (gc_map_has(self->asked, id))
            continue;
        bool shown = self->answer_diags->count < GC_DIAGS_MAX;
        const char *near = shown ? gc_nearest(id, ids, fcs->question_count) : NULL;
        gc_diags_add(self->answer_diags, GC_SEV_ERROR, at->line, at->column,
                     "\"%.60s\" is no question of this spec; %s%s%s", id,
                     near ? "did you mean \"" : "run clarify to list them",
                     near ? near : "", near ? "\"?" : "");
    }
    free(ids);
}

/* ---- questions ---- */

typedef struct question {
    const char *rule;
    const char *key; /* what it asks about */
    const gc_node *at;
    char *subject; /* taken */
    char *text;    /* taken */
    const char *default_answer;
} question;

typedef struct reply {
    char *text;        /* given or default; free() it */
    const gc_node *at; /* of the answer, NULL if it is the default */
} reply;

static reply ask(gc_spec *self, question q)
{
    gc_hasher *hasher = gc_hasher_new();
    gc_hasher_text(hasher, q.rule);
    gc_hasher_text(hasher, q.key);
    gc_sha sha = gc_hasher_finish(&hasher);
    char *id = gc_xasprintf("Q-%.*s", ID_DIGITS, sha.hex);
    reply r = { NULL, NULL };
    char *given = answer_text(self, id, &r.at);
    r.text = gc_xstrdup(given ? given : q.default_answer);
    if (gc_map_set(self->asked, id, self)) { /* the same thing, found twice */
        free(id);
        free(q.subject);
        free(q.text);
        free(given);
        return r;
    }
    gc_fcs *fcs = self->fcs;
    fcs->questions = gc_grow(fcs->questions, fcs->question_count, &self->question_cap,
                             sizeof *fcs->questions);
    fcs->questions[fcs->question_count++] =
        (gc_question){ .id = id,
                       .text = q.text,
                       .subject = q.subject,
                       .default_answer = gc_xstrdup(q.default_answer),
                       .answer = given,
                       .line = q.at ? q.at->line : 1,
                       .column = q.at ? q.at->column : 1 };
    return r;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const gc_question *)a)->id, ((const gc_question *)b)->id);
}

/* ---- rule: an entity without fields ---- */

void gc_clarify_entities(gc_spec *self)
{
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_spec_entity *e = &self->entities[i];
        if (e->field_count)
            continue;
        reply r =
            ask(self,
                (question){ .rule = "fields",
                            .key = e->entity.name,
                            .at = e->at,
                            .subject = gc_xasprintf("entity %s", e->entity.name),
                            .text = gc_xasprintf("Which fields does the entity %s have?",
                                                 e->entity.name),
                            .default_answer = default_fields });
        gc_diags *diags = e->diags;
        if (r.at)
            e->diags = self->answer_diags;
        if (strcasecmp(r.text, "none") != 0)
            gc_spec_field_list(self, i, r.at ? r.at : e->at, r.text);
        if (!r.at)
            e->diags = diags;
        free(r.text);
    }
}

/* ---- rule: values that end in "..." ---- */

static void ask_values(gc_spec *self, const gc_spec_entity *e, gc_spec_field *f)
{
    char *key = gc_xasprintf("%s.%s", e->entity.name, f->field.name);
    char *values = gc_strv_join(&f->field.enum_values, ", ");
    reply r =
        ask(self, (question){ .rule = "values",
                              .key = key,
                              .at = f->at,
                              .subject = gc_xasprintf("field %s", key),
                              .text = gc_xasprintf(
                                  "Which values does %s have besides %s?", key, values),
                              .default_answer = "none" });
    if (strcasecmp(r.text, "none") != 0) {
        gc_strv more = { 0 };
        gc_strv_split(&more, r.text, ',');
        for (size_t i = 0; i < more.count && i < GC_SPEC_MAX_VALUES; i++)
            gc_spec_add_value(f, more.items[i]);
        gc_strv_release(&more);
    }
    free(r.text);
    free(values);
    free(key);
}

/* ---- rule: a contract without an entity ---- */

static void ask_contract(gc_spec *self, gc_spec_contract *c)
{
    static const char technical[] =
        "/health /healthz /livez /readyz /ready /metrics /version "
        "/status /ping /openapi.json /docs /";
    gc_contract *n = &c->contract;
    if (*n->entity || !self->entity_count || gc_spec_is_one_of(n->path, technical))
        return;
    reply r = ask(
        self, (question){ .rule = "contract",
                          .key = n->id,
                          .at = c->at,
                          .subject = gc_xasprintf("contract %s", n->id),
                          .text = gc_xasprintf("Which entity does %s work on?", n->id),
                          .default_answer = "none" });
    size_t entity = SIZE_MAX;
    if (r.at && strcasecmp(r.text, "none") != 0) {
        entity = gc_spec_find_entity(self, r.text);
        if (entity == SIZE_MAX)
            gc_diags_add(
                self->answer_diags, GC_SEV_ERROR, r.at->line, r.at->column,
                "the answer names the unknown entity \"%.60s\"; write one of the spec's "
                "entities or none",
                r.text);
    }
    if (entity != SIZE_MAX)
        gc_spec_set(&n->entity, gc_xstrdup(self->entities[entity].entity.go_name));
    free(r.text);
}

/* ---- rule: vague words ---- */

/* `measure`: a number in the text says what is meant. */
static const struct {
    const char *words; /* between bars, in small letters */
    bool measure;
    const char *answer;
} vague[] = {
    { "|fast|quick|quickly|responsive|performant|rapid|rapidly|soon|promptly|timely|",
      true, "95 % of the operations take less than 200 ms with 10,000 stored records" },
    { "|large|huge|big|many|several|few|numerous|high volume|lots of|", true,
      "up to 10,000 per kind of record" },
    { "|scalable|scale|", true,
      "10,000 records and 100 requests per second on one machine" },
    { "|user friendly|intuitive|easy|easily|convenient|nice|clean|", false,
      "common conventions; every error message says what is wrong and how to fix it" },
    { "|etc|and so on|and more|and others|", false, "nothing beyond what is listed" },
    { "|appropriate|appropriately|suitable|proper|properly|adequate|reasonable|sufficient|"
      "relevant|",
      false, "what is usual for Go programs of this kind, stated in a comment" },
    { "|robust|reliable|resilient|stable|gracefully|", false,
      "invalid input is refused with an error and no operation leaves half-written data" },
    { "|secure|securely|", false, "all input is validated and no secret is logged" },
    { "|as needed|if needed|if necessary|when necessary|if possible|when possible|as required|"
      "as appropriate|",
      false, "not in the first version" },
    { "|flexible|efficient|efficiently|modern|optimal|optimized|state of the art|", false,
      "the simplest design that meets the other requirements" },
};

#define VAGUE (sizeof vague / sizeof *vague)

static gc_map *vague_words(void)
{
    gc_map *map = gc_map_new();
    for (size_t i = 0; i < VAGUE; i++) {
        gc_strv words = { 0 };
        gc_strv_split(&words, vague[i].words, '|');
        for (size_t k = 0; k < words.count; k++)
            gc_number_set(map, words.items[k], i + 1);
        gc_strv_release(&words);
    }
    return map;
}

/* Row of the phrase of one to four words that starts at `at`, or VAGUE; the phrase in *out. */
static size_t vague_at(const gc_map *map, const gc_strv *words, size_t at, char **out)
{
    gc_buf phrase;
    gc_buf_init(&phrase, GC_SPEC_TEXT_LIMIT);
    size_t row = VAGUE;
    for (size_t n = 0; n < 4 && at + n < words->count && row == VAGUE; n++) {
        gc_buf_printf(&phrase, "%s%s", n ? " " : "", words->items[at + n]);
        size_t found = gc_number_get(map, phrase.ptr);
        if (found)
            row = found - 1;
    }
    *out = gc_buf_take(&phrase);
    return row;
}

/* All vague phrases of a text, for the question; the row of the first, or VAGUE. */
static size_t find_vague(const gc_map *map, const char *text, gc_strv *out)
{
    bool measured = strpbrk(text, "0123456789") != NULL;
    size_t first = VAGUE;
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    for (size_t i = 0; i < words.count; i++) {
        char *phrase;
        size_t row = vague_at(map, &words, i, &phrase);
        if (row < VAGUE && !(vague[row].measure && measured)) {
            gc_strv_add_unique(out, phrase);
            first = first == VAGUE ? row : first;
        }
        free(phrase);
    }
    gc_strv_release(&words);
    return first;
}

static void ask_vague(gc_spec *self, const gc_map *map, gc_spec_requirement *r)
{
    gc_requirement *n = &r->requirement;
    gc_strv found = { 0 };
    size_t row =
        strcmp(n->kind, "scenario") == 0 ? VAGUE : find_vague(map, n->text, &found);
    if (row < VAGUE) {
        char *words = gc_strv_join(&found, "\", \"");
        reply answer =
            ask(self, (question){ .rule = "vague",
                                  .key = n->id,
                                  .at = r->at,
                                  .subject = gc_xasprintf("requirement %s", n->id),
                                  .text = gc_xasprintf("What exactly does \"%s\" mean in "
                                                       "requirement %s?",
                                                       words, n->id),
                                  .default_answer = vague[row].answer });
        if (strcmp(answer.text, vague[row].answer) != 0)
            gc_spec_set(&n->text,
                        gc_xasprintf("%s\nClarified: %s", n->text, answer.text));
        free(answer.text);
        free(words);
    }
    gc_strv_release(&found);
}

/* ---- rule: missing bounds of an HTTP interface ---- */

static bool speaks_of(const gc_spec *self, const char *list)
{
    bool found = false;
    for (size_t i = 0; i < self->requirement_count + self->contract_count && !found;
         i++) {
        bool contract = i >= self->requirement_count;
        const gc_contract *c =
            contract ? &self->contracts[i - self->requirement_count].contract : NULL;
        char *text =
            contract ? gc_xasprintf("%s %s %s", c->description, c->request, c->response)
                     : gc_xstrdup(self->requirements[i].requirement.text);
        gc_strv words = { 0 };
        gc_go_words(text, &words);
        for (size_t k = 0; k < words.count && !found; k++)
            found = gc_spec_is_one_of(words.items[k], list);
        gc_strv_release(&words);
        free(text);
    }
    return found;
}

/* The answer as a requirement of its own, unless it is the default. */
static void add_answered(gc_spec *self, const question *q, const gc_node *at,
                         const char *answer)
{
    if (strcmp(answer, q->default_answer) == 0)
        return;
    gc_spec_requirement *r = gc_spec_add_requirement(self, at, "non_functional");
    gc_spec_set(&r->requirement.id, gc_xasprintf("A-%s", q->key));
    gc_spec_set(&r->requirement.text, gc_xasprintf("%s: %s", q->rule, answer));
}

static void ask_paging(gc_spec *self)
{
    const gc_spec_contract *first = NULL;
    for (size_t i = 0; i < self->contract_count && !first; i++) {
        const gc_contract *c = &self->contracts[i].contract;
        if (strcmp(c->method, "GET") == 0 && *c->entity && !gc_ends_with(c->path, "}"))
            first = &self->contracts[i];
    }
    if (!first ||
        speaks_of(self,
                  "page pages paging paged pagination paginated limit cursor offset"))
        return;
    question q = { .rule = "Paging of lists",
                   .key = "paging",
                   .at = first->at,
                   .subject = gc_xstrdup("lists"),
                   .text =
                       gc_xasprintf("How many items do lists such as %s return at most?",
                                    first->contract.id),
                   .default_answer =
                       "limit and offset parameters, 50 items by default, at most "
                       "200" };
    reply r = ask(self, q);
    add_answered(self, &q, r.at ? r.at : first->at, r.text);
    free(r.text);
}

static bool has_bound(const gc_field *f)
{
    for (size_t i = 0; i < f->constraints.count; i++)
        if (strstr(f->constraints.items[i], "max") ||
            strstr(f->constraints.items[i], "length") ||
            gc_starts_with(f->constraints.items[i], "pattern"))
            return true;
    return false;
}

static void ask_lengths(gc_spec *self)
{
    gc_strv fields = { 0 };
    size_t count = 0;
    const gc_node *at = NULL;
    for (size_t i = 0; i < self->entity_count; i++) {
        const gc_spec_entity *e = &self->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            const gc_field *f = &e->fields[k].field;
            if (strcmp(f->spec_type, "string") != 0 || strcmp(f->go_name, "ID") == 0 ||
                has_bound(f))
                continue;
            at = at ? at : e->fields[k].at;
            if (count++ < LISTED_MAX)
                gc_strv_push(&fields, gc_xasprintf("%s.%s", e->entity.name, f->name));
        }
    }
    if (count) {
        char *list = gc_strv_join(&fields, ", ");
        question q = { .rule = "Length of texts",
                       .key = "length",
                       .at = at,
                       .subject = gc_xstrdup("text fields"),
                       .text =
                           gc_xasprintf("How long may texts without a stated maximum be "
                                        "(%s%s)?",
                                        list, count > LISTED_MAX ? ", ..." : ""),
                       .default_answer = "1000 characters" };
        reply r = ask(self, q);
        add_answered(self, &q, r.at ? r.at : at, r.text);
        free(r.text);
        free(list);
    }
    gc_strv_release(&fields);
}

void gc_clarify_rest(gc_spec *self)
{
    gc_map *words = vague_words();
    for (size_t i = 0; i < self->entity_count; i++)
        for (size_t k = 0; k < self->entities[i].field_count; k++)
            if (self->entities[i].fields[k].open_enum &&
                self->entities[i].fields[k].field.enum_values.count)
                ask_values(self, &self->entities[i], &self->entities[i].fields[k]);
    for (size_t i = 0; i < self->contract_count; i++)
        ask_contract(self, &self->contracts[i]);
    for (size_t i = 0; i < self->requirement_count; i++)
        ask_vague(self, words, &self->requirements[i]);
    if (self->contract_count) {
        ask_paging(self);
        ask_lengths(self);
        gc_spec_sort(self->requirements, self->requirement_count,
                     sizeof *self->requirements, gc_spec_by_requirement);
    }
    gc_map_destroy(&words);
    gc_spec_sort(self->fcs->questions, self->fcs->question_count,
                 sizeof *self->fcs->questions, by_id);
    if (self->answer_diags)
        report_unknown(self);
}
