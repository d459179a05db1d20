#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"

/* What kind of program the texts speak of. Words in small letters; a word behind "no",
 * "not" or "without" does not count. */

static bool is_denied(const gc_strv *words, size_t at)
{
    for (size_t back = 1; back <= 2 && back <= at; back++)
        if (gc_spec_is_one_of(words->items[at - back], "no not without never"))
            return true;
    return false;
}

static bool pair_at(const gc_strv *w, size_t at, const char *first, const char *second)
{
    return strcmp(w->items[at], first) == 0 && at + 1 < w->count &&
           gc_spec_is_one_of(w->items[at + 1], second);
}

static bool says_cli(const gc_strv *w, size_t at)
{
    return gc_spec_is_one_of(w->items[at], "cli terminal tui commandline") ||
           pair_at(w, at, "command", "line lines") ||
           pair_at(w, at, "console", "application app tool program");
}

static bool says_sql(const gc_strv *w, size_t at)
{
    return gc_spec_is_one_of(w->items[at], "sql postgres postgresql mysql sqlite sqlite3 "
                                           "mariadb pgx cockroachdb") ||
           pair_at(w, at, "relational", "database");
}

/* A library of books is none: it must be one of Go, or one for programs. */
static bool says_library(const gc_strv *w, size_t at)
{
    if (gc_spec_is_one_of(w->items[at], "sdk"))
        return true;
    if (!gc_spec_is_one_of(w->items[at], "library libraries"))
        return false;
    return (at > 0 &&
            gc_spec_is_one_of(w->items[at - 1], "go golang client reusable shared "
                                                "utility helper software code")) ||
           pair_at(w, at, w->items[at], "package module api");
}

typedef struct finder {
    bool cli;
    bool sql;
    bool library;
} finder;

static void scan(finder *self, const char *text, bool with_library)
{
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    for (size_t i = 0; i < words.count; i++) {
        if (is_denied(&words, i))
            continue;
        self->cli = self->cli || says_cli(&words, i);
        self->sql = self->sql || says_sql(&words, i);
        self->library = self->library || (with_library && says_library(&words, i));
    }
    gc_strv_release(&words);
}

void gc_spec_find_kind(gc_spec *self)
{
    gc_fcs *fcs = self->fcs;
    finder f = { false, false, false };
    scan(&f, fcs->name, true);
    scan(&f, fcs->description, true);
    for (size_t i = 0; i < self->requirement_count; i++)
        scan(&f, self->requirements[i].requirement.text, false);
    bool cli = f.cli;
    for (size_t i = 0; i < fcs->patterns.count; i++)
        scan(&f, fcs->patterns.items[i], false);
    for (size_t i = 0; i < fcs->testing.count; i++)
        scan(&f, fcs->testing.items[i], false);
    for (size_t i = 0; i < self->module_count; i++)
        scan(&f, self->modules[i].module.path, false);
    for (size_t i = 0; i < self->package_count; i++)
        scan(&f, self->packages[i].package.purpose, false);
    const char *kind = self->kind             ? self->kind
                       : self->contract_count ? "http"
                       : cli                  ? "cli"
                       : f.library            ? "library"
                                              : "http";
    gc_spec_set(&fcs->kind, gc_xstrdup(kind));
    fcs->sql = f.sql;
}
