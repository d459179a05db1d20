#include "common/pack.h"

#include <assert.h>
#include <math.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/strv.h"

/* A piece of memory that malloc keeps at hand; msgpack's own 8 KiB make it tidy up each time. */
#define ZONE_CHUNK 960

static void *at(const void *object, size_t offset)
{
    return (char *)object + offset; /* writers of fields got it as non-const */
}

static size_t count_of(const gc_pack_field *field, const void *object)
{
    return *(size_t *)at(object, field->count_offset);
}

/* ---- writing ---- */

static int write_bytes(void *out, const char *mem, size_t len)
{
    return gc_buf_append(out, mem, len) ? -1 : 0;
}

static void pack_text(msgpack_packer *pk, const char *text, size_t len)
{
    msgpack_pack_str(pk, len);
    msgpack_pack_str_body(pk, text, len);
}

/* Length of `text`, cut at a UTF-8 boundary if the reader would refuse it. */
static size_t clipped_len(const gc_pack_field *field, const char *text)
{
    size_t len = strlen(text);
    if (!(field->flags & GC_PACK_CLIP) || len <= (size_t)field->max)
        return len;
    len = (size_t)field->max;
    while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* True for what the reader would make of an absent key. */
static bool is_zero(const gc_pack_field *field, const void *object)
{
    const void *place = at(object, field->offset);
    const char *text;
    switch (field->kind) {
    case GC_PACK_INT: return *(const int64_t *)place == 0;
    case GC_PACK_BOOL: return !*(const bool *)place;
    case GC_PACK_REAL: return *(const double *)place == 0;
    case GC_PACK_TEXT:
        text = *(char *const *)place;
        return field->flags & GC_PACK_NULL ? !text : !text || !*text;
    case GC_PACK_BYTES:
    case GC_PACK_ARRAY: return count_of(field, object) == 0;
    case GC_PACK_LIST: return ((const gc_strv *)place)->count == 0;
    case GC_PACK_ENUM: return *(const int *)place == 0;
    case GC_PACK_MAP: return false;
    }
    return false;
}

static bool is_used(const gc_pack_schema *schema, const gc_pack_mask *mask, size_t i,
                    const void *object)
{
    const gc_pack_field *field = &schema->fields[i];
    uint64_t bit = (uint64_t)1 << i;
    bool need = mask ? mask->need & bit : field->flags & GC_PACK_NEED;
    bool may = mask ? mask->may & bit : true;
    return need || (may && !is_zero(field, object));
}

static void pack_map(const gc_pack_schema *schema, const gc_pack_mask *mask,
                     const void *object, msgpack_packer *pk);

static void pack_list(msgpack_packer *pk, const gc_strv *list)
{
    msgpack_pack_array(pk, list->count);
    for (size_t i = 0; i < list->count; i++)
        pack_text(pk, list->items[i], strlen(list->items[i]));
}

static void pack_array(const gc_pack_field *field, const void *object, msgpack_packer *pk)
{
    size_t count = count_of(field, object);
    const char *items = *(char *const *)at(object, field->offset);
    msgpack_pack_array(pk, count);
    for (size_t i = 0; i < count; i++)
        pack_map(field->schema, NULL, items + i * field->schema->size, pk);
}

static void pack_field(const gc_pack_field *field, const void *object, msgpack_packer *pk)
{
    const void *place = at(object, field->offset);
    const char *text;
    switch (field->kind) {
    case GC_PACK_INT: msgpack_pack_int64(pk, *(const int64_t *)place); break;
    case GC_PACK_BOOL:
        if (*(const bool *)place)
            msgpack_pack_true(pk);
        else
            msgpack_pack_false(pk);
        break;
    case GC_PACK_REAL: msgpack_pack_double(pk, *(const double *)place); break;
    case GC_PACK_TEXT:
        text = *(char *const *)place ? *(char *const *)place : "";
        pack_text(pk, text, clipped_len(field, text));
        break;
    case GC_PACK_BYTES:
        msgpack_pack_bin(pk, count_of(field, object));
        msgpack_pack_bin_body(pk, *(void *const *)place, count_of(field, object));
        break;
    case GC_PACK_LIST: pack_list(pk, place); break;
    case GC_PACK_ENUM:
        text = field->words[*(const int *)place];
        pack_text(pk, text, strlen(text));
        break;
    case GC_PACK_MAP: pack_map(field->schema, NULL, place, pk); break;
    case GC_PACK_ARRAY: pack_array(field, object, pk); break;
    }
}

static void pack_map(const gc_pack_schema *schema, const gc_pack_mask *mask,
                     const void *object, msgpack_packer *pk)
{
    size_t count = 0;
    for (size_t i = 0; i < schema->count; i++)
        count += is_used(schema, mask, i, object);
    msgpack_pack_map(pk, count);
    for (size_t i = 0; i < schema->count; i++) {
        const gc_pack_field *field = &schema->fields[i];
        if (!is_used(schema, mask, i, object))
            continue;
        pack_text(pk, field->key, strlen(field->key));
        pack_field(field, object, pk);
    }
}

void gc_pack_encode(const gc_pack_schema *schema, const gc_pack_mask *mask,
                    const void *object, gc_buf *out)
{
    msgpack_packer pk;
    assert(schema->count <= 64); /* one bit each */
    msgpack_packer_init(&pk, out, write_bytes);
    pack_map(schema, mask, object, &pk);
}

/* ---- reading ---- */

static gc_err wrong(const gc_pack_field *field, const char *want, gc_errinfo *info)
{
    return gc_fail(info, GC_EPROTO, "\"%s\" is no %s", field->key, want);
}

static gc_err read_int(const gc_pack_field *field, const msgpack_object *value,
                       int64_t *out, gc_errinfo *info)
{
    int64_t number;
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 <= INT64_MAX)
        number = (int64_t)value->via.u64;
    else if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        number = value->via.i64;
    else
        return wrong(field, "integer", info);
    if (number < field->min || number > field->max)
        return gc_fail(info, GC_EPROTO, "\"%s\" is out of range", field->key);
    *out = number;
    return GC_OK;
}

static gc_err read_real(const gc_pack_field *field, const msgpack_object *value,
                        double *out, gc_errinfo *info)
{
    double number;
    if (value->type == MSGPACK_OBJECT_FLOAT64 || value->type == MSGPACK_OBJECT_FLOAT32)
        number = value->via.f64;
    else if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        number = (double)value->via.u64;
    else
        return wrong(field, "number", info);
    if (!isfinite(number) || number < (double)field->min || number > (double)field->max)
        return gc_fail(info, GC_EPROTO, "\"%s\" is out of range", field->key);
    *out = number;
    return GC_OK;
}

static bool is_id(const char *text, size_t len, bool slash)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alnum =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && !(c && strchr("._:@-", c)) && !(slash && c == '/'))
            return false;
    }
    return len > 0;
}

static gc_err check_text(const gc_pack_field *field, const msgpack_object *value,
                         size_t max, gc_errinfo *info)
{
    if (value->type != MSGPACK_OBJECT_STR)
        return wrong(field, "string", info);
    const char *text = value->via.str.ptr;
    size_t len = value->via.str.size;
    if (len > max)
        return gc_fail(info, GC_ETOOBIG, "\"%s\" is longer than %zu bytes", field->key,
                       max);
    if (len && memchr(text, 0, len))
        return gc_fail(info, GC_EPROTO, "\"%s\" holds a NUL", field->key);
    if (field->flags & GC_PACK_ID && !is_id(text, len, field->kind == GC_PACK_LIST))
        return wrong(field, "identifier", info);
    return GC_OK;
}

static gc_err read_text(const gc_pack_field *field, const msgpack_object *value,
                        char **out, gc_errinfo *info)
{
    gc_err err = check_text(field, value, (size_t)field->max, info);
    if (err)
        return err;
    if (value->via.str.size < (size_t)field->min)
        return gc_fail(info, GC_EPROTO, "\"%s\" is too short", field->key);
    *out = gc_xmemdup(value->via.str.ptr, value->via.str.size);
    return GC_OK;
}

static gc_err read_bytes(const gc_pack_field *field, const msgpack_object *value,
                         void *object, gc_errinfo *info)
{
    if (value->type != MSGPACK_OBJECT_BIN)
        return wrong(field, "binary", info);
    if (value->via.bin.size > (uint64_t)field->max)
        return gc_fail(info, GC_ETOOBIG, "\"%s\" is larger than the limit", field->key);
    *(void **)at(object, field->offset) =
        gc_xmemdup(value->via.bin.ptr, value->via.bin.size);
    *(size_t *)at(object, field->count_offset) = value->via.bin.size;
    return GC_OK;
}

static gc_err read_list(const gc_pack_field *field, const msgpack_object *value,
                        gc_strv *out, gc_errinfo *info)
{
    if (value->type != MSGPACK_OBJECT_ARRAY)
        return wrong(field, "array", info);
    const msgpack_object_array *array = &value->via.array;
    if (array->size > (uint64_t)field->max)
        return gc_fail(info, GC_ETOOBIG, "\"%s\" has too many items", field->key);
    for (uint32_t i = 0; i < array->size; i++) {
        gc_err err = check_text(field, &array->ptr[i], field->item_max, info);
        if (err)
            return err;
        gc_strv_push(out,
                     gc_xmemdup(array->ptr[i].via.str.ptr, array->ptr[i].via.str.size));
    }
    return GC_OK;
}

static gc_err read_enum(const gc_pack_field *field, const msgpack_object *value, int *out,
                        gc_errinfo *info)
{
    if (value->type != MSGPACK_OBJECT_STR)
        return wrong(field, "string", info);
    const msgpack_object_str *str = &value->via.str;
    for (int i = 0; field->words[i]; i++) {
        if (strlen(field->words[i]) == str->size &&
            memcmp(field->words[i], str->ptr, str->size) == 0) {
            *out = i;
            return GC_OK;
        }
    }
    return gc_fail(info, GC_EPROTO, "\"%s\" is none of the known words", field->key);
}

static gc_err read_map(const gc_pack_schema *schema, const gc_pack_mask *mask,
                       const msgpack_object *value, void *object, gc_errinfo *info);

/* The array is hung into `object` before its items are read: release then finds it. */
static gc_err read_array(const gc_pack_field *field, const msgpack_object *value,
                         void *object, gc_errinfo *info)
{
    if (value->type != MSGPACK_OBJECT_ARRAY)
        return wrong(field, "array", info);
    const msgpack_object_array *array = &value->via.array;
    if (array->size > (uint64_t)field->max)
        return gc_fail(info, GC_ETOOBIG, "\"%s\" has too many items", field->key);
    if (array->size < (uint64_t)field->min)
        return gc_fail(info, GC_EPROTO, "\"%s\" has too few items", field->key);
    if (!array->size)
        return GC_OK;
    char *items = gc_xcalloc(array->size, field->schema->size);
    *(void **)at(object, field->offset) = items;
    *(size_t *)at(object, field->count_offset) = array->size;
    for (uint32_t i = 0; i < array->size; i++) {
        gc_err err = read_map(field->schema, NULL, &array->ptr[i],
                              items + i * field->schema->size, info);
        if (err)
            return err;
    }
    return GC_OK;
}

static gc_err read_field(const gc_pack_field *field, const msgpack_object *value,
                         void *object, gc_errinfo *info)
{
    void *place = at(object, field->offset);
    switch (field->kind) {
    case GC_PACK_INT: return read_int(field, value, place, info);
    case GC_PACK_BOOL:
        if (value->type != MSGPACK_OBJECT_BOOLEAN)
            return wrong(field, "boolean", info);
        *(bool *)place = value->via.boolean;
        return GC_OK;
    case GC_PACK_REAL: return read_real(field, value, place, info);
    case GC_PACK_TEXT: return read_text(field, value, place, info);
    case GC_PACK_BYTES: return read_bytes(field, value, object, info);
    case GC_PACK_LIST: return read_list(field, value, place, info);
    case GC_PACK_ENUM: return read_enum(field, value, place, info);
    case GC_PACK_MAP: return read_map(field->schema, NULL, value, place, info);
    case GC_PACK_ARRAY: return read_array(field, value, object, info);
    }
    return GC_EPROTO;
}

/* Writers keep the order of the schema: it is mostly the one at `from`, or soon after. */
static size_t find_field(const gc_pack_schema *schema, const msgpack_object *key,
                         size_t from)
{
    if (key->type != MSGPACK_OBJECT_STR)
        return schema->count;
    size_t len = key->via.str.size;
    for (size_t n = 0; n < schema->count; n++) {
        size_t i = from + n < schema->count ? from + n : from + n - schema->count;
        const char *name = schema->fields[i].key;
        if (len && *name == *key->via.str.ptr && strlen(name) == len &&
            memcmp(name, key->via.str.ptr, len) == 0)
            return i;
    }
    return schema->count;
}

/* Everything that was needed is there; what was not given gets its empty value. */
static gc_err finish_map(const gc_pack_schema *schema, const gc_pack_mask *mask,
                         uint64_t seen, void *object, gc_errinfo *info)
{
    for (size_t i = 0; i < schema->count; i++) {
        const gc_pack_field *field = &schema->fields[i];
        uint64_t bit = (uint64_t)1 << i;
        bool need = mask ? mask->need & bit : field->flags & GC_PACK_NEED;
        bool used = !mask || (mask->need | mask->may) & bit;
        if (seen & bit)
            continue;
        if (need)
            return gc_fail(info, GC_EPROTO, "\"%s\" is missing", field->key);
        if (used && field->kind == GC_PACK_TEXT && !(field->flags & GC_PACK_NULL))
            *(char **)at(object, field->offset) = gc_xstrdup("");
    }
    return GC_OK;
}

/* An optional identifier that is empty counts as absent. */
static bool is_absent(const gc_pack_schema *schema, const gc_pack_mask *mask, size_t i,
                      const msgpack_object *value)
{
    const gc_pack_field *field = &schema->fields[i];
    bool need = mask ? mask->need & (uint64_t)1 << i : field->flags & GC_PACK_NEED;
    return !need && field->flags & GC_PACK_ID && value->type == MSGPACK_OBJECT_STR &&
           !value->via.str.size;
}

static gc_err read_map(const gc_pack_schema *schema, const gc_pack_mask *mask,
                       const msgpack_object *value, void *object, gc_errinfo *info)
{
    uint64_t used = mask ? mask->need | mask->may : UINT64_MAX;
    uint64_t seen = 0;
    size_t next = 0;
    if (value->type != MSGPACK_OBJECT_MAP)
        return gc_fail(info, GC_EPROTO, "a map was expected");
    for (uint32_t i = 0; i < value->via.map.size; i++) {
        const msgpack_object_kv *kv = &value->via.map.ptr[i];
        size_t index = find_field(schema, &kv->key, next);
        next = index < schema->count ? index + 1 : next;
        if (index == schema->count || !(used & (uint64_t)1 << index))
            continue; /* a newer peer may say more */
        if (is_absent(schema, mask, index, &kv->val))
            continue;
        if (seen & (uint64_t)1 << index)
            return gc_fail(info, GC_EPROTO, "\"%s\" stands twice",
                           schema->fields[index].key);
        seen |= (uint64_t)1 << index;
        gc_err err = read_field(&schema->fields[index], &kv->val, object, info);
        if (err)
            return err;
    }
    return finish_map(schema, mask, seen, object, info);
}

gc_err gc_pack_decode(const gc_pack_schema *schema, const gc_pack_mask *mask,
                      const void *mem, size_t len, void *object, gc_errinfo *info)
{
    assert(schema->count <= 64);
    gc_err err = gc_pack_scan(mem, len, info);
    if (err)
        return err;
    msgpack_zone zone;
    msgpack_object map;
    size_t offset = 0;
    if (!msgpack_zone_init(&zone, ZONE_CHUNK))
        abort(); /* out of memory, as everywhere */
    if (msgpack_unpack(mem, len, &offset, &zone, &map) != MSGPACK_UNPACK_SUCCESS)
        err = gc_fail(info, GC_EPROTO, "no msgpack");
    else
        err = read_map(schema, mask, &map, object, info);
    msgpack_zone_destroy(&zone);
    if (err)
        gc_pack_release(schema, object);
    return err;
}

/* ---- releasing ---- */

void gc_pack_release(const gc_pack_schema *schema, void *object)
{
    for (size_t i = 0; i < schema->count; i++) {
        const gc_pack_field *field = &schema->fields[i];
        void *place = at(object, field->offset);
        if (field->kind == GC_PACK_ARRAY) {
            char *items = *(char **)place;
            for (size_t j = 0; j < count_of(field, object); j++)
                gc_pack_release(field->schema, items + j * field->schema->size);
        }
        if (field->kind == GC_PACK_MAP)
            gc_pack_release(field->schema, place);
        else if (field->kind == GC_PACK_LIST)
            gc_strv_release(place);
        else if (field->kind == GC_PACK_TEXT || field->kind == GC_PACK_BYTES ||
                 field->kind == GC_PACK_ARRAY)
            free(*(void **)place);
    }
    memset(object, 0, schema->size);
}
