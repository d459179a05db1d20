/* The state file as gc_state_print() writes it, line by line. Made for big projects, where a
 * JSON tree of the whole file costs more than everything else; any other JSON (merged by
 * hand, indented by an editor) is left to the general reader. */
#include <string.h>

#include "common/fs.h"
#include "coordinator/state_private.h"

typedef struct lines {
    const char *at;
    const char *end;
} lines;

/* A piece of the text: no NUL behind it. */
typedef struct piece {
    const char *ptr;
    size_t len;
} piece;

static bool take(lines *l, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(l->end - l->at) < len || memcmp(l->at, word, len) != 0)
        return false;
    l->at += len;
    return true;
}

/* A quoted text of plain ASCII without escapes. */
static bool take_text(lines *l, piece *out)
{
    if (!take(l, "\""))
        return false;
    const char *from = l->at;
    while (l->at < l->end && *l->at >= ' ' && *l->at < 0x7f && *l->at != '"' &&
           *l->at != '\\')
        l->at++;
    *out = (piece){ from, (size_t)(l->at - from) };
    return take(l, "\"");
}

/* As the general reader takes it: "" or a digest. */
static bool take_sha(lines *l, char out[GC_SHA_HEX + 1])
{
    piece text;
    if (!take_text(l, &text) || (text.len && text.len != GC_SHA_HEX))
        return false;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return !text.len || gc_sha_valid(out);
}

static bool take_words(lines *l, char **out)
{
    piece text;
    if (!take_text(l, &text))
        return false;
    free(*out);
    *out = gc_xmemdup(text.ptr, text.len);
    return true;
}

/* The members of an entry in their order; those that may be absent stay "". */
static bool take_entry(lines *l, gc_state_file *f)
{
    if (take(l, "   \"api\": ") && !(take_sha(l, f->api) && take(l, ",\n")))
        return false;
    if (take(l, "   \"base\": ") && !(take_sha(l, f->base) && take(l, ",\n")))
        return false;
    f->conflict = take(l, "   \"conflict\": true,\n");
    if (!take(l, "   \"fingerprint\": ") || !take_sha(l, f->fingerprint) ||
        !take(l, ",\n   \"how\": ") || !take_words(l, &f->how))
        return false;
    if (take(l, ",\n   \"kept\": true,\n   \"kept_sha256\": ")) {
        f->kept = true;
        if (!take_sha(l, f->kept_sha))
            return false;
    }
    if (!take(l, ",\n   \"sha256\": ") || !take_sha(l, f->sha256))
        return false;
    if (take(l, ",\n   \"sources\": ") && !take_words(l, &f->sources))
        return false;
    return take(l, "\n  }");
}

/* Rising paths: none is there twice. */
static bool take_files(lines *l, gc_state *state)
{
    char before[GC_STATE_PLAIN_PATH + 1] = "", path[GC_STATE_PLAIN_PATH + 1];
    piece name;
    do {
        if (!take(l, "\n  ") || !take_text(l, &name) || name.len > GC_STATE_PLAIN_PATH ||
            !take(l, ": {\n"))
            return false;
        memcpy(path, name.ptr, name.len);
        path[name.len] = '\0';
        if (strcmp(before, path) >= 0 || !gc_path_safe(path) ||
            !take_entry(l, gc_state_require(state, path)))
            return false;
        memcpy(before, path, name.len + 1);
    } while (take(l, ","));
    return take(l, "\n }");
}

bool gc_state_parse_plain(const char *mem, size_t len, gc_state *out)
{
    lines l = { mem, mem + len };
    gc_state state;
    gc_state_init(&state);
    bool ok = take(&l, "{\n \"fcs\": ") && take_sha(&l, state.fcs) &&
              take(&l, ",\n \"files\": {") && take_files(&l, &state) &&
              take(&l, ",\n \"schema\": 1\n}\n") && l.at == l.end;
    if (ok)
        *out = state;
    else
        gc_state_release(&state);
    return ok;
}
