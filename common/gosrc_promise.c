/* A promised declaration against the one in the answer. Other files are written against the
 * promise at the same time, so what they rely on must be the same: types as Go compares
 * them, where the names of parameters and type parameters do not count. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_gate.h"
#include "common/gosrc_lex.h"
#include "common/mem.h"

static const char *keyword(const gc_go_decl *decl)
{
    static const char *const words[] = { [GC_GO_CONST] = "const",
                                         [GC_GO_VAR] = "var",
                                         [GC_GO_TYPE] = "type",
                                         [GC_GO_FUNC] = "" };
    return words[decl->kind];
}

/* As it was written: "func F(a int)", "type T struct", "const A Status = "a"". */
static char *written(const gc_go_decl *decl)
{
    const char *word = keyword(decl);
    return gc_xasprintf("%s%s%s", word, *word ? " " : "", decl->source);
}

static bool same_text(const char *a, const gc_go_decl *a_decl, const char *b,
                      const gc_go_decl *b_decl)
{
    char *x = gc_go_with_numbers(a, &a_decl->param_names);
    char *y = gc_go_with_numbers(b, &b_decl->param_names);
    bool same = strcmp(x, y) == 0;
    free(x);
    free(y);
    return same;
}

static void complain_other(gc_go_gate_state *self, const gc_go_decl *want,
                           const gc_go_decl *have)
{
    char *want_text = written(want);
    char *have_text = written(have);
    gc_go_complain(self, have->line, "found: %s; promised: %s", have_text, want_text);
    free(want_text);
    free(have_text);
}

static void complain_missing(gc_go_gate_state *self, const gc_go_decl *want)
{
    char *text = written(want);
    gc_go_complain(self, 0, "missing: %s", text);
    free(text);
}

/* ---- constants ---- */

/* The whole of `text` as an unsigned Go integer, however it is written. */
static bool integer_of(const char *text, uint64_t *out)
{
    unsigned base = 10;
    uint64_t value = 0;
    size_t i = 0;
    if (text[0] == '0' && text[1]) {
        char mark = (char)(text[1] | 32);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        i = mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1;
    }
    if (!text[i])
        return false;
    for (; text[i]; i++) {
        char l = (char)(text[i] | 32);
        unsigned digit = text[i] >= '0' && text[i] <= '9' ? (unsigned)(text[i] - '0')
                         : l >= 'a' && l <= 'f'           ? (unsigned)(l - 'a' + 10)
                                                          : 99;
        if (digit >= base || value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    *out = value;
    return true;
}

/* One literal, perhaps signed: what can be compared without computing. */
static bool is_literal(const char *value)
{
    gc_go_lexer lexer;
    gc_go_token token;
    value += *value == '-' || *value == '+';
    gc_go_lexer_init(&lexer, value, strlen(value), false);
    if (gc_go_lexer_next(&lexer, &token, NULL))
        return false;
    bool word = token.kind == GC_GO_IDENT; /* true, false */
    bool literal = token.kind >= GC_GO_INT && token.kind <= GC_GO_STRING;
    return (word || literal) && value[token.len] == '\0';
}

static bool same_value(const char *a, const char *b)
{
    uint64_t x, y;
    if (!is_literal(a) || !is_literal(b) || strcmp(a, b) == 0)
        return true;
    if (*a == '-' && *b == '-')
        return integer_of(a + 1, &x) && integer_of(b + 1, &y) && x == y;
    return integer_of(a, &x) && integer_of(b, &y) && x == y;
}

static bool same_const(const gc_go_decl *want, const gc_go_decl *have)
{
    if (*want->type && strcmp(want->type, have->type) != 0)
        return false;
    return same_value(want->value, have->value);
}

/* An initialiser alone may give a variable its type. */
static bool same_var(const gc_go_decl *want, const gc_go_decl *have)
{
    return !*want->type || !*have->type || strcmp(want->type, have->type) == 0;
}

/* ---- types ---- */

static const gc_go_member *find_member(const gc_go_members *members,
                                       const gc_go_member *like)
{
    for (size_t i = 0; i < members->count; i++) {
        const gc_go_member *member = &members->items[i];
        bool same = strcmp(member->name, like->name) == 0;
        if (same && !*like->name) /* an interface element is known by its type */
            same = strcmp(member->type, like->type) == 0;
        if (same)
            return member;
    }
    return NULL;
}

/* Every member of `want` is in `have` with the same type. */
static void check_members(gc_go_gate_state *self, const gc_go_decl *want,
                          const gc_go_decl *have)
{
    const char *what = want->form == GC_GO_STRUCT ? "struct" : "interface";
    for (size_t i = 0; i < want->members.count; i++) {
        const gc_go_member *member = &want->members.items[i];
        const gc_go_member *found = find_member(&have->members, member);
        if (!found)
            gc_go_complain(self, have->line, "%s %s lacks: %s", what, want->name,
                           member->source);
        else if (found->embedded != member->embedded ||
                 !same_text(member->type, want, found->type, have))
            gc_go_complain(self, found->line, "in %s %s, found: %s; promised: %s", what,
                           want->name, found->source, member->source);
    }
}

/* Others implement a promised interface: one more method would break them. */
static void check_extra_members(gc_go_gate_state *self, const gc_go_decl *want,
                                const gc_go_decl *have)
{
    for (size_t i = 0; i < have->members.count; i++) {
        const gc_go_member *member = &have->members.items[i];
        if (!find_member(&want->members, member))
            gc_go_complain(
                self, member->line,
                "interface %s may not have more than was promised: take out %s",
                want->name, member->source);
    }
}

static void check_type(gc_go_gate_state *self, const gc_go_decl *want,
                       const gc_go_decl *have)
{
    bool wants_struct = want->form == GC_GO_STRUCT || want->form == GC_GO_OPEN_STRUCT;
    bool same_form = wants_struct ? have->form == GC_GO_STRUCT : want->form == have->form;
    bool same = same_form && want->alias == have->alias &&
                want->param_names.count == have->param_names.count &&
                same_text(want->params, want, have->params, have);
    if (same && want->form == GC_GO_OTHER)
        same = same_text(want->type, want, have->type, have);
    if (!same) {
        complain_other(self, want, have);
    } else if (want->form == GC_GO_STRUCT) {
        check_members(self, want, have);
    } else if (want->form == GC_GO_INTERFACE) {
        check_members(self, want, have);
        check_extra_members(self, want, have);
    }
}

/* ---- functions ---- */

static bool same_func(const gc_go_decl *want, const gc_go_decl *have)
{
    return want->pointer == have->pointer &&
           want->param_names.count == have->param_names.count &&
           same_text(want->params, want, have->params, have) &&
           same_text(want->type, want, have->type, have);
}

static bool same_decl(const gc_go_decl *want, const gc_go_decl *have)
{
    switch (want->kind) {
    case GC_GO_CONST: return same_const(want, have);
    case GC_GO_VAR: return same_var(want, have);
    default: return same_func(want, have);
    }
}

static void check_decl(gc_go_gate_state *self, const gc_go_decl *want)
{
    char *key = gc_go_decl_key(want);
    const gc_go_decl *have = gc_map_get(self->by_key, key);
    free(key);
    if (!have)
        complain_missing(self, want);
    else if (have->kind == want->kind && want->kind == GC_GO_TYPE)
        check_type(self, want, have);
    else if (have->kind != want->kind || !same_decl(want, have))
        complain_other(self, want, have);
}

void gc_go_check_promise(gc_go_gate_state *self)
{
    for (size_t i = 0; i < self->promise->decl_count; i++)
        check_decl(self, &self->promise->decls[i]);
}
