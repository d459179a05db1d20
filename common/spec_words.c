#include "common/spec_words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/naming.h"
#include "common/strv.h"
#include "common/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A name longer than this many words is found as written only. */
#define PHRASE_WORDS 6

/* Values are the index + 1: NULL is "absent". */
struct gc_word_index {
    gc_map *exact;   /* as written */
    gc_map *phrases; /* words joined by blanks, singular and plural */
    gc_map *letters; /* the same without blanks */
    gc_map *longest; /* first word -> words of the longest phrase that starts so */
};

gc_word_index *gc_word_index_new(void)
{
    gc_word_index *self = gc_xcalloc(1, sizeof *self);
    self->exact = gc_map_new();
    self->phrases = gc_map_new();
    self->letters = gc_map_new();
    self->longest = gc_map_new();
    return self;
}

void gc_word_index_destroy(gc_word_index **self_p)
{
    gc_word_index *self = *self_p;
    if (!self)
        return;
    gc_map_destroy(&self->exact);
    gc_map_destroy(&self->phrases);
    gc_map_destroy(&self->letters);
    gc_map_destroy(&self->longest);
    free(self);
    *self_p = NULL;
}

static const char *const irregular[][2] = {
    { "person", "people" }, { "child", "children" },  { "man", "men" },
    { "woman", "women" },   { "mouse", "mice" },      { "foot", "feet" },
    { "index", "indices" }, { "matrix", "matrices" },
};

static void add_ending(gc_strv *out, const char *word, size_t cut, const char *ending)
{
    gc_strv_push(out, gc_xasprintf("%.*s%s", (int)(strlen(word) - cut), word, ending));
}

static void add_plurals(const char *word, gc_strv *out)
{
    for (size_t i = 0; i < COUNT(irregular); i++)
        if (strcmp(word, irregular[i][0]) == 0)
            gc_strv_add(out, irregular[i][1]);
    size_t len = strlen(word);
    bool hissing = gc_ends_with(word, "s") || gc_ends_with(word, "x") ||
                   gc_ends_with(word, "z") || gc_ends_with(word, "ch") ||
                   gc_ends_with(word, "sh");
    if (gc_ends_with(word, "sis"))
        add_ending(out, word, 2, "es");
    if (hissing)
        add_ending(out, word, 0, "es");
    else if (len > 1 && word[len - 1] == 'y' && !strchr("aeiou", word[len - 2]))
        add_ending(out, word, 1, "ies");
    else
        add_ending(out, word, 0, "s");
}

static void add_singulars(const char *word, gc_strv *out)
{
    for (size_t i = 0; i < COUNT(irregular); i++)
        if (strcmp(word, irregular[i][1]) == 0)
            gc_strv_add(out, irregular[i][0]);
    size_t len = strlen(word);
    if (len < 4 || word[len - 1] != 's' || gc_ends_with(word, "ss") ||
        gc_ends_with(word, "us") || gc_ends_with(word, "is"))
        return;
    if (gc_ends_with(word, "ies"))
        add_ending(out, word, 3, "y");
    else if (gc_ends_with(word, "ses") || gc_ends_with(word, "xes") ||
             gc_ends_with(word, "zes") || gc_ends_with(word, "ches") ||
             gc_ends_with(word, "shes"))
        add_ending(out, word, 2, "");
    add_ending(out, word, 1, "");
}

char *gc_word_singular(const char *word)
{
    gc_strv forms = { 0 };
    add_singulars(word, &forms);
    char *first = gc_xstrdup(forms.count ? forms.items[0] : word);
    gc_strv_release(&forms);
    return first;
}

static char *join(const gc_strv *words, size_t first, size_t count, const char *joint)
{
    gc_buf out;
    gc_buf_init(&out, (size_t)1 << 30);
    for (size_t i = first; i < first + count; i++) {
        if (i > first)
            gc_buf_puts(&out, joint);
        gc_buf_puts(&out, words->items[i]);
    }
    return gc_buf_take(&out);
}

void gc_number_set(gc_map *map, const char *key, size_t number)
{
    /* Never followed as a pointer. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    gc_map_set(map, key, (void *)(uintptr_t)number);
}

size_t gc_number_get(const gc_map *map, const char *key)
{
    return (size_t)(uintptr_t)gc_map_get(map, key);
}

static void set_first(gc_map *map, const char *key, size_t name)
{
    if (*key && !gc_map_has(map, key))
        gc_number_set(map, key, name + 1);
}

static void note_length(gc_word_index *self, const char *first, size_t count)
{
    if (gc_number_get(self->longest, first) < count)
        gc_number_set(self->longest, first, count);
}

static void add_phrase(gc_word_index *self, const gc_strv *words, size_t name)
{
    char *phrase = join(words, 0, words->count, " ");
    char *letters = join(words, 0, words->count, "");
    set_first(self->phrases, phrase, name);
    set_first(self->letters, letters, name);
    note_length(self, words->items[0], words->count);
    free(phrase);
    free(letters);
}

/* The phrase with its last word in each of the other forms. */
static void add_forms(gc_word_index *self, gc_strv *words, size_t name, bool plural)
{
    char *last = words->items[words->count - 1];
    gc_strv forms = { 0 };
    if (plural)
        add_plurals(last, &forms);
    else
        add_singulars(last, &forms);
    for (size_t i = 0; i < forms.count; i++) {
        words->items[words->count - 1] = forms.items[i];
        add_phrase(self, words, name);
    }
    words->items[words->count - 1] = last;
    gc_strv_release(&forms);
}

void gc_word_index_fill(gc_word_index *self, const char *const *names, size_t count)
{
    for (int pass = 0; pass < 3; pass++) { /* as written, plurals, singulars */
        for (size_t i = 0; i < count; i++) {
            gc_strv words = { 0 };
            gc_go_words(names[i], &words);
            if (pass == 0)
                set_first(self->exact, names[i], i);
            bool usable = words.count > 0 && words.count <= PHRASE_WORDS;
            if (usable && pass == 0)
                add_phrase(self, &words, i);
            else if (usable)
                add_forms(self, &words, i, pass == 1);
            gc_strv_release(&words);
        }
    }
}

size_t gc_word_index_find(const gc_word_index *self, const char *name)
{
    size_t at = gc_number_get(self->exact, name);
    if (!at) {
        gc_strv words = { 0 };
        gc_go_words(name, &words);
        char *phrase = join(&words, 0, words.count, " ");
        char *letters = join(&words, 0, words.count, "");
        at = gc_number_get(self->phrases, phrase);
        if (!at)
            at = gc_number_get(self->letters, letters);
        free(phrase);
        free(letters);
        gc_strv_release(&words);
    }
    return at ? at - 1 : GC_WORDS_NONE;
}

/* "in order to" is not about orders. */
static bool is_idiom(const gc_strv *words, size_t at)
{
    return at > 0 && at + 1 < words->count && strcmp(words->items[at], "order") == 0 &&
           strcmp(words->items[at - 1], "in") == 0 &&
           (strcmp(words->items[at + 1], "to") == 0 ||
            strcmp(words->items[at + 1], "that") == 0);
}

void gc_word_index_scan(const gc_word_index *self, const char *text,
                        void (*found)(void *arg, size_t name), void *arg)
{
    gc_strv words = { 0 };
    if (!gc_map_count(self->longest))
        return;
    gc_go_words(text, &words);
    for (size_t i = 0; i < words.count;) {
        size_t max = gc_number_get(self->longest, words.items[i]);
        size_t step = 1;
        if (max > words.count - i)
            max = words.count - i;
        for (size_t n = max; n > 0; n--) {
            char *phrase = join(&words, i, n, " ");
            size_t at = gc_number_get(self->phrases, phrase);
            free(phrase);
            if (!at)
                continue;
            if (n > 1 || !is_idiom(&words, i))
                found(arg, at - 1);
            step = n;
            break;
        }
        i += step;
    }
    gc_strv_release(&words);
}
