/* The scan that runs before msgpack-c sees foreign bytes. The format is
 * https://github.com/msgpack/msgpack/blob/master/spec.md. */
#include <stdbool.h>
#include <stdint.h>

#include "common/pack.h"

typedef struct scan {
    const unsigned char *at;
    size_t left;
    size_t nodes;
    int depth;
    uint64_t open[GC_PACK_MAX_DEPTH]; /* values still wanted, per level */
    gc_errinfo *info;
} scan;

/* Shape of one value: fixed bytes behind the first, then a length or a count. */
typedef struct shape {
    uint64_t skip;   /* bytes of content */
    uint64_t values; /* nested values */
    bool bad;
} shape;

static bool read_be(scan *self, unsigned width, uint64_t *out)
{
    if (self->left < width)
        return false;
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | self->at[i];
    self->at += width;
    self->left -= width;
    *out = value;
    return true;
}

/* Types 0xc0 to 0xdf: bytes of fixed size, or a length of `width` bytes that counts bytes
 * (one more for the type of an ext) or nested values. */
static shape read_long_type(scan *self, unsigned char type)
{
    /* nil - false true | bin ext | float | uint | int | fixext | str array map */
    static const unsigned char skip[32] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 1,
                                            2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17 };
    static const unsigned char width[32] = {
        [4] = 1,  [5] = 2,  [6] = 4,  [7] = 1,  [8] = 2,  [9] = 4, [25] = 1,
        [26] = 2, [27] = 4, [28] = 2, [29] = 4, [30] = 2, [31] = 4
    };
    static const unsigned char ext[32] = { [7] = 1, [8] = 1, [9] = 1 };
    static const unsigned char nested[32] = { [28] = 1, [29] = 1, [30] = 2, [31] = 2 };
    unsigned i = type - 0xc0U;
    shape result = { .skip = skip[i], .bad = type == 0xc1 };
    uint64_t count = 0;
    if (width[i] && !read_be(self, width[i], &count))
        result.bad = true;
    else if (nested[i])
        result.values = count * nested[i];
    else if (width[i])
        result.skip = count + ext[i];
    return result;
}

static shape read_type(scan *self)
{
    unsigned char type = *self->at;
    self->at++;
    self->left--;
    if (type < 0x80 || type >= 0xe0)
        return (shape){ 0 }; /* fixint */
    if (type < 0x90)
        return (shape){ .values = (type & 0x0fU) * 2U };
    if (type < 0xa0)
        return (shape){ .values = type & 0x0fU };
    if (type < 0xc0)
        return (shape){ .skip = type & 0x1fU };
    return read_long_type(self, type);
}

static gc_err scan_value(scan *self)
{
    if (!self->left)
        return gc_fail(self->info, GC_EPROTO, "msgpack ends too early");
    if (++self->nodes > GC_PACK_MAX_NODES)
        return gc_fail(self->info, GC_ETOOBIG, "more than %d msgpack values",
                       GC_PACK_MAX_NODES);
    shape s = read_type(self);
    if (s.bad || s.skip > self->left || s.values > self->left)
        return gc_fail(self->info, GC_EPROTO, "msgpack claims more than the bytes left");
    self->at += s.skip;
    self->left -= (size_t)s.skip;
    if (!s.values)
        return GC_OK;
    if (self->depth == GC_PACK_MAX_DEPTH)
        return gc_fail(self->info, GC_ETOOBIG, "msgpack nested deeper than %d",
                       GC_PACK_MAX_DEPTH);
    self->open[self->depth++] = s.values;
    return GC_OK;
}

gc_err gc_pack_scan(const void *mem, size_t len, gc_errinfo *info)
{
    scan self = { .at = mem, .left = len, .info = info };
    gc_err err = scan_value(&self);
    while (!err && self.depth) {
        uint64_t *open = &self.open[self.depth - 1];
        if (*open == 0) {
            self.depth--;
            continue;
        }
        --*open;
        err = scan_value(&self);
    }
    if (!err && self.left)
        err = gc_fail(info, GC_EPROTO, "%zu bytes behind the msgpack value", self.left);
    return err;
}
