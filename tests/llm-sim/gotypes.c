/* Types as gofmt lays them out, and values of them. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/goscan.h"
#include "tests/llm-sim/gowrite.h"

#define NESTING_MAX 16

typedef struct field {
    char *names; /* "" if embedded */
    char *type;
    char *tag;
    int name_width; /* of the column that it stands in */
    int type_width;
} field;

/* `item` is "A, B Type `tag`" or "Embedded `tag`", on one line. */
static field split_field(const char *item)
{
    size_t len = strlen(item);
    size_t pos = gc_sim_go_skip_ident(item, len, 0);
    while (pos < len && item[pos] == ',')
        pos = gc_sim_go_skip_ident(item, len,
                                   gc_sim_go_skip_blank(item, len, pos + 1, true));
    size_t type = gc_sim_go_skip_blank(item, len, pos, true);
    if (pos == 0 || type == pos || type >= len || strchr("`\"", item[type]))
        pos = type = 0;
    size_t tag = type;
    while (tag < len && !strchr("`\"", item[tag]))
        tag = strchr("([{", item[tag]) ? gc_sim_go_skip_bracket(item, len, tag) : tag + 1;
    return (field){ .names = gc_sim_go_collapse(item, pos),
                    .type = gc_sim_go_collapse(item + type, tag - type),
                    .tag = gc_sim_go_collapse(item + tag, len - tag) };
}

static void write_fields(gc_sim_writer *self, const char *text, size_t len, int depth);

/* The place of "struct {" with fields in it, or NULL: such a type takes several lines. */
static const char *nested_struct(const char *type, const char **inner, size_t *inner_len)
{
    const char *word = strstr(type, "struct");
    if (!word)
        return NULL;
    *inner = gc_sim_go_braces(word, inner_len);
    if (!*inner || gc_sim_go_skip_blank(*inner, *inner_len, 0, true) == *inner_len)
        return NULL;
    return word;
}

static bool is_nested(const field *f)
{
    const char *inner;
    size_t inner_len;
    return nested_struct(f->type, &inner, &inner_len) != NULL;
}

/* gofmt aligns the names of neighbouring fields, and the types of those that have a tag. An
 * embedded field ends a column, and so does a nested struct after its first line. */
static bool in_column(const field *f, bool of_type)
{
    return *f->names && (!of_type || (*f->tag && !is_nested(f)));
}

static bool joined(const field *upper, const field *lower, bool of_type)
{
    return in_column(upper, of_type) && in_column(lower, of_type) && !is_nested(upper);
}

/* gofmt counts characters, printf bytes. */
static int columns(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The width in bytes that fills `width` columns. */
static int bytes_wide(const char *text, int width)
{
    return width + (int)strlen(text) - columns(text);
}

/* Gives every field the width of its column. */
static void set_widths(field *fields, size_t count, bool of_type)
{
    for (size_t first = 0, past; first < count; first = past) {
        int width = 0;
        past = first;
        do {
            int len = columns(of_type ? fields[past].type : fields[past].names);
            width = len > width ? len : width;
            past++;
        } while (past < count && joined(&fields[past - 1], &fields[past], of_type));
        for (size_t i = first; i < past; i++)
            *(of_type ? &fields[i].type_width : &fields[i].name_width) = width;
    }
}

static void write_field(gc_sim_writer *self, const field *f, int depth)
{
    const char *inner;
    size_t inner_len;
    const char *word = nested_struct(f->type, &inner, &inner_len);
    const char *gap = *f->tag ? " " : "";
    if (!*f->names) {
        gc_sim_line(self, depth, "%s%s%s", f->type, gap, f->tag);
    } else if (word && depth < NESTING_MAX) {
        gc_sim_line(self, depth, "%-*s %.*sstruct {", bytes_wide(f->names, f->name_width),
                    f->names, (int)(word - f->type), f->type);
        write_fields(self, inner, inner_len, depth + 1);
        gc_sim_line(self, depth, "}%s%s", gap, f->tag);
    } else {
        gc_sim_line(self, depth, "%-*s %-*s%s%s", bytes_wide(f->names, f->name_width),
                    f->names, *f->tag ? bytes_wide(f->type, f->type_width) : 0, f->type,
                    gap, f->tag);
    }
}

static void write_fields(gc_sim_writer *self, const char *text, size_t len, int depth)
{
    gc_strv items = { 0 };
    gc_sim_go_items(text, len, &items);
    field *fields = gc_xcalloc(items.count, sizeof *fields);
    for (size_t i = 0; i < items.count; i++)
        fields[i] = split_field(items.items[i]);
    set_widths(fields, items.count, false);
    set_widths(fields, items.count, true);
    for (size_t i = 0; i < items.count; i++)
        write_field(self, &fields[i], depth);
    for (size_t i = 0; i < items.count; i++) {
        free(fields[i].names);
        free(fields[i].type);
        free(fields[i].tag);
    }
    free(fields);
    gc_strv_release(&items);
}

bool gc_sim_is_opaque(const gc_sim_decl *decl)
{
    return decl && decl->kind == GC_SIM_DECL_TYPE && strcmp(decl->type, "struct") == 0;
}

/* The fields of an opaque struct are what its constructor is given. */
static void write_opaque(gc_sim_writer *self, const gc_sim_decl *decl)
{
    const gc_sim_decl *maker = gc_sim_constructor(self, decl->name);
    gc_buf fields;
    gc_buf_init(&fields, GC_SIM_PROMISE_MAX);
    for (size_t i = 0; maker && i < maker->params.count; i++) {
        const gc_sim_param *param = &maker->params.items[i];
        if (!gc_sim_is_field(self, maker, i, decl->name))
            continue;
        bool variadic = gc_starts_with(param->type, "...");
        gc_buf_printf(&fields, "%s %s%s\n", param->name, variadic ? "[]" : "",
                      param->type + (variadic ? 3 : 0));
    }
    if (fields.len) {
        gc_sim_line(self, 0, "type %s%s struct {", decl->name, decl->type_params);
        write_fields(self, fields.ptr, fields.len, 1);
        gc_sim_line(self, 0, "}");
    } else {
        gc_sim_line(self, 0, "type %s%s struct{}", decl->name, decl->type_params);
    }
    gc_buf_release(&fields);
}

/* The lines of an interface. */
static void write_interface(gc_sim_writer *self, const gc_sim_decl *decl,
                            const char *text, size_t len)
{
    gc_strv items = { 0 };
    gc_sim_go_items(text, len, &items);
    if (items.count == 0) {
        gc_sim_line(self, 0, "type %s%s interface{}", decl->name, decl->type_params);
    } else {
        gc_sim_line(self, 0, "type %s%s interface {", decl->name, decl->type_params);
        for (size_t i = 0; i < items.count; i++)
            gc_sim_line(self, 1, "%s", items.items[i]);
        gc_sim_line(self, 0, "}");
    }
    gc_strv_release(&items);
}

void gc_sim_type(gc_sim_writer *self, const gc_sim_decl *decl)
{
    size_t len = 0;
    const char *inside = gc_sim_go_braces(decl->type, &len);
    gc_sim_doc(self, decl);
    if (gc_sim_is_opaque(decl)) {
        write_opaque(self, decl);
    } else if (gc_starts_with(decl->type, "interface")) {
        write_interface(self, decl, inside ? inside : "", len);
    } else if (gc_starts_with(decl->type, "struct") && inside &&
               gc_sim_go_skip_blank(inside, len, 0, true) < len) {
        gc_sim_line(self, 0, "type %s%s struct {", decl->name, decl->type_params);
        write_fields(self, inside, len, 1);
        gc_sim_line(self, 0, "}");
    } else if (gc_starts_with(decl->type, "struct")) {
        gc_sim_line(self, 0, "type %s%s struct{}", decl->name, decl->type_params);
    } else {
        char *type = gc_sim_go_collapse(decl->type, strlen(decl->type));
        gc_sim_line(self, 0, "type %s%s %s", decl->name, decl->type_params,
                    *type ? type : "struct{}");
        free(type);
    }
}

static bool is_number(const char *type)
{
    static const char *const numbers[] = { "int",       "int8",    "int16",   "int32",
                                           "int64",     "uint",    "uint8",   "uint16",
                                           "uint32",    "uint64",  "uintptr", "byte",
                                           "rune",      "float32", "float64", "complex64",
                                           "complex128" };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(type, numbers[i]) == 0)
            return true;
    return false;
}

static bool is_nil_type(const char *type)
{
    return strcmp(type, "error") == 0 || strcmp(type, "any") == 0 ||
           gc_starts_with(type, "interface") || gc_starts_with(type, "func") ||
           gc_starts_with(type, "chan ") || gc_starts_with(type, "chan<-") ||
           gc_starts_with(type, "<-chan") || gc_starts_with(type, "**");
}

void gc_sim_value(gc_sim_writer *self, const char *type, gc_buf *out)
{
    const gc_sim_decl *own = gc_sim_promise_type(&self->promise, type);
    bool own_struct = own && gc_starts_with(own->type, "struct");
    if (is_nil_type(type))
        gc_buf_puts(out, "nil");
    else if (strcmp(type, "string") == 0)
        gc_buf_puts(out, "\"\"");
    else if (strcmp(type, "bool") == 0)
        gc_buf_puts(out, "false");
    else if (is_number(type))
        gc_buf_puts(out, "0");
    else if (*type == '*' && own_struct)
        gc_buf_printf(out, "&%s{}", type + 1);
    else if (*type == '*')
        gc_buf_printf(out, "new(%s)", type + 1);
    else if (*type == '[' || gc_starts_with(type, "map[") || own_struct)
        gc_buf_printf(out, "%s{}", type);
    else if (strcmp(type, "http.Handler") == 0)
        gc_buf_printf(out, "%s.NewServeMux()", gc_sim_use(self, "net/http"));
    else
        gc_buf_printf(out, "*new(%s)", type);
}
