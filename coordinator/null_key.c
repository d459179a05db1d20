/* The key of a null run: see null_run.h. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/doc.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/strv.h"
#include "coordinator/null_run.h"

#define KEY_VERSION "gc-null-2"
#define PROGRAM "/proc/self/exe"

/* An overriding folder with more than this is not looked through. */
#define MAX_FOLDERS 64
#define MAX_ENTRIES 2000
#define MAX_DEPTH 6
#define MAX_FILE ((size_t)16 << 20)

static void hash_number(gc_hasher *h, int64_t value)
{
    gc_hasher_field(h, &value, sizeof value);
}

/* An absent file is an input too. Reading a pipe would take its text from the run. */
static bool hash_file(gc_hasher *h, const char *path, size_t limit)
{
    gc_sha sha = { "absent" };
    gc_err err = gc_file_sha(path, limit, &sha);
    gc_hasher_text(h, sha.hex);
    return !err || err == GC_ENOENT;
}

static bool list_folder(const char *path, gc_strv *names)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    if (!dir)
        return false;
    while (names->count <= MAX_ENTRIES && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            gc_strv_add(names, entry->d_name);
    closedir(dir);
    gc_strv_sort(names);
    return names->count <= MAX_ENTRIES;
}

/* Every file below, by name and content. */
static bool hash_folder(gc_hasher *h, const char *path, int depth, int *folders)
{
    gc_strv names = { 0 };
    struct stat st;
    bool ok = depth < MAX_DEPTH && ++*folders <= MAX_FOLDERS && list_folder(path, &names);
    for (size_t i = 0; ok && i < names.count; i++) {
        char *below = gc_xasprintf("%s/%s", path, names.items[i]);
        gc_hasher_text(h, names.items[i]);
        if (stat(below, &st) == 0 && S_ISDIR(st.st_mode))
            ok = hash_folder(h, below, depth + 1, folders);
        else
            ok = hash_file(h, below, MAX_FILE);
        free(below);
    }
    gc_hasher_text(h, "end");
    gc_strv_release(&names);
    return ok;
}

static bool hash_override(gc_hasher *h, const char *path)
{
    int folders = 0;
    struct stat st;
    gc_hasher_text(h, path);
    if (!*path)
        return true;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return hash_folder(h, path, 0, &folders);
    return hash_file(h, path, MAX_FILE);
}

/* Every build is a version of its own: templates, prompts and prices are inside of it. */
static bool hash_program(gc_hasher *h)
{
    struct stat st;
    if (stat(PROGRAM, &st) != 0)
        return false;
    gc_hasher_text(h, GC_VERSION);
    hash_number(h, (int64_t)st.st_size);
    hash_number(h, (int64_t)st.st_ino);
    hash_number(h, (int64_t)st.st_mtim.tv_sec);
    hash_number(h, (int64_t)st.st_mtim.tv_nsec);
    return true;
}

/* Everything but the bytes of spec and answers. */
static bool hash_rest(const gc_options *options, gc_sha *out)
{
    const gc_config *c = &options->config;
    gc_hasher *h = gc_hasher_new();
    gc_hasher_text(h, KEY_VERSION);
    gc_hasher_text(h, options->spec); /* findings name it */
    gc_hasher_text(h, options->answers ? options->answers : "");
    hash_number(h, options->on_edit);
    gc_config_hash(c, h);
    bool ok = hash_program(h) && hash_override(h, c->llm_models_file) &&
              hash_override(h, c->llm_prompts_directory) &&
              hash_override(h, c->templates_directory);
    *out = gc_hasher_finish(&h);
    return ok;
}

bool gc_null_key(const gc_options *options, gc_null_keys *out)
{
    const gc_config *c = &options->config;
    if (!options->spec || options->force || options->strict || options->no_optimization ||
        options->dry_run || !c->incremental_enabled)
        return false;
    bool ok = hash_rest(options, &out->rest);
    gc_hasher *h = gc_hasher_new();
    gc_hasher_text(h, out->rest.hex);
    ok = ok && hash_file(h, options->spec, GC_DOC_MAX_BYTES) &&
         (!options->answers || hash_file(h, options->answers, GC_DOC_MAX_BYTES));
    out->all = gc_hasher_finish(&h);
    return ok;
}

/* ---- the same in other bytes ---- */

/* All of the tree but places and comments. Recursion is bounded by GC_DOC_MAX_DEPTH. */
static void put_node(gc_hasher *h, const gc_node *node)
{
    uint64_t head[3] = { (uint64_t)node->kind << 1 | node->quoted, node->len,
                         node->count };
    gc_hasher_stream(h, head, sizeof head);
    gc_hasher_stream(h, node->text, node->len);
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys)
            put_node(h, node->keys[i]);
        put_node(h, node->items[i]);
    }
}

gc_sha gc_null_meaning(const gc_sha *rest, const gc_node *spec, const gc_node *answers)
{
    gc_hasher *h = gc_hasher_new();
    gc_hasher_text(h, rest->hex);
    put_node(h, spec);
    if (answers)
        put_node(h, answers);
    return gc_hasher_finish(&h);
}
