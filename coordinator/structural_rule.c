#include "coordinator/structural_rule.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define WORD_MAX 40
#define EXACT_MAX 9e15 /* whole numbers up to here are exact as doubles */

/* ---- formats ---- */

static const structural_format_info formats[STRUCTURAL_FORMATS] = {
    [STRUCTURAL_NO_FORMAT] = { "", "", "", "" },
    [STRUCTURAL_EMAIL] = { "Email", "an email address", "a@example.com", "a at example" },
    [STRUCTURAL_URL] = { "URL", "a URL", "https://example.com", "no address" },
    [STRUCTURAL_URI] = { "URI", "a URI", "urn:example:a", "no address" },
    [STRUCTURAL_UUID] = { "UUID", "a UUID", "0f8fad5b-d9cb-469f-a165-70867728950e",
                          "0f8fad5b-d9cb-469f-a165-7086772895zz" },
    [STRUCTURAL_PHONE] = { "Phone", "a phone number", "+1 555 0100", "call me" },
    [STRUCTURAL_DATE] = { "Date", "a date", "2024-02-29", "2023-02-29" },
    [STRUCTURAL_CLOCK] = { "Clock", "a time of day", "23:59", "24:00" },
    [STRUCTURAL_TIMESTAMP] = { "Timestamp", "a time", "2024-02-29T12:00:00Z",
                               "2024-02-29 noon" },
    [STRUCTURAL_IP] = { "IP", "an IP address", "192.0.2.1", "192.0.2.256" },
};

const structural_format_info *structural_format_of(structural_format format)
{
    return &formats[format];
}

/* Words of one constraint without case, blanks, '_' and '-'. */
static void squeeze(const char *text, size_t len, char out[WORD_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < WORD_MAX; i++)
        if (!strchr(" _-\t", text[i]))
            out[n++] = (char)tolower((unsigned char)text[i]);
    out[n] = '\0';
}

static bool is_among(const char *word, const char *words)
{
    char *key = gc_xasprintf(" %s ", word);
    bool is = *word && strstr(words, key);
    free(key);
    return is;
}

static bool find_format(const char *word, structural_format *out)
{
    static const struct {
        const char *words;
        structural_format format;
    } table[] = {
        { " email emailaddress ", STRUCTURAL_EMAIL },
        { " url http https httpurl ", STRUCTURAL_URL },
        { " uri ", STRUCTURAL_URI },
        { " uuid guid uuid4 uuidv4 ", STRUCTURAL_UUID },
        { " phone phonenumber tel telephone e164 ", STRUCTURAL_PHONE },
        { " date isodate iso8601date yyyymmdd ", STRUCTURAL_DATE },
        { " time timeofday hh:mm ", STRUCTURAL_CLOCK },
        { " datetime timestamp rfc3339 iso8601 ", STRUCTURAL_TIMESTAMP },
        { " ip ipaddress ", STRUCTURAL_IP },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (is_among(word, table[i].words)) {
            *out = table[i].format;
            return true;
        }
    return false;
}

/* ---- numbers ---- */

typedef struct range {
    const char *type;
    double min, max;
} range;

static const range *range_of(const char *type)
{
    static const range table[] = {
        { "int8", -128, 127 },
        { "int16", -32768, 32767 },
        { "int32", -2147483648.0, 2147483647 },
        { "rune", -2147483648.0, 2147483647 },
        { "uint8", 0, 255 },
        { "byte", 0, 255 },
        { "uint16", 0, 65535 },
        { "uint32", 0, 4294967295.0 },
        { "uint", 0, 18446744073709551615.0 },
        { "uint64", 0, 18446744073709551615.0 },
        { "float32", -3.4028234e38, 3.4028234e38 },
        { "float64", -1.7976931348623157e308, 1.7976931348623157e308 },
    };
    static const range word = { "int", -9223372036854775808.0, 9223372036854775807.0 };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(type, table[i].type) == 0)
            return &table[i];
    return &word;
}

bool structural_rule_unsigned(const structural_rule *self)
{
    return self->class == STRUCTURAL_INTEGER && range_of(self->value)->min == 0;
}

/* The shortest decimal number that is `value`. */
static char *constant(double value)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (!gc_parse_double(text, -HUGE_VAL, HUGE_VAL, &back) && back == value)
            break;
    }
    return gc_xstrdup(text);
}

/* False: not a number that Go and C see alike. */
static bool read_number(const structural_rule *self, const char *text, char **out,
                        double *number, int round)
{
    bool whole = self->class == STRUCTURAL_INTEGER;
    if (gc_parse_double(text, -1e300, 1e300, number))
        return false;
    if (whole && fabs(*number) > EXACT_MAX)
        return false;
    if (whole && *number != floor(*number)) {
        if (!round)
            return false;
        *number = round > 0 ? ceil(*number) : floor(*number);
    }
    *out = whole ? gc_xasprintf("%.0f", *number) : constant(*number);
    return true;
}

/* A bound that every value of the type keeps is none. */
static bool set_min(structural_rule *self, const char *text)
{
    double number;
    char *go;
    if (self->min || !read_number(self, text, &go, &number, 1))
        return false;
    const range *r = range_of(self->value);
    if (number > r->min && number <= r->max) {
        self->min = go;
        self->min_number = number;
        return true;
    }
    free(go);
    return number <= r->max;
}

static bool set_max(structural_rule *self, const char *text)
{
    double number;
    char *go;
    if (self->max || !read_number(self, text, &go, &number, -1))
        return false;
    const range *r = range_of(self->value);
    if (number < r->max && number >= r->min) {
        self->max = go;
        self->max_number = number;
        return true;
    }
    free(go);
    return number >= r->min;
}

static bool set_one_of(structural_rule *self, const char *text)
{
    gc_strv parts = { 0 };
    bool known = self->shape == STRUCTURAL_PLAIN && !self->one_of.count;
    const range *r = range_of(self->value);
    gc_strv_split(&parts, text, ',');
    for (size_t i = 0; i < parts.count && known; i++) {
        double number;
        char *go = NULL;
        known = read_number(self, parts.items[i] + strspn(parts.items[i], " "), &go,
                            &number, 0) &&
                number >= r->min && number <= r->max;
        if (known)
            gc_strv_add_unique(&self->one_of, go);
        free(go);
    }
    gc_strv_release(&parts);
    return known && self->one_of.count;
}

/* ---- lengths ---- */

static bool has_count(const structural_rule *self)
{
    return self->shape != STRUCTURAL_PLAIN || self->class == STRUCTURAL_BYTES ||
           (self->class == STRUCTURAL_STRING && !self->is_enum);
}

static bool is_number(const structural_rule *self)
{
    return self->shape == STRUCTURAL_PLAIN && strcmp(self->value, "time.Duration") != 0 &&
           (self->class == STRUCTURAL_INTEGER || self->class == STRUCTURAL_FLOAT);
}

/* Said twice is fine if it is the same. */
static bool set_count(structural_rule *self, const char *text, int64_t *to)
{
    int64_t count;
    if (!has_count(self) || gc_parse_i64(text, 0, INT32_MAX, &count))
        return false;
    if (*to != STRUCTURAL_NO_BOUND && *to != count)
        return false;
    *to = count;
    return true;
}

/* ---- constraints ---- */

static bool is_text(const structural_rule *self)
{
    return self->class == STRUCTURAL_STRING && !self->is_enum &&
           self->shape != STRUCTURAL_MAP;
}

static bool set_format(structural_rule *self, const char *word)
{
    structural_format format;
    if (!find_format(word, &format))
        return false;
    if (self->class == STRUCTURAL_TIME && self->shape == STRUCTURAL_PLAIN)
        return format == STRUCTURAL_DATE || format == STRUCTURAL_CLOCK ||
               format == STRUCTURAL_TIMESTAMP;
    if (!is_text(self) ||
        (self->format != STRUCTURAL_NO_FORMAT && self->format != format))
        return false;
    self->format = format;
    return true;
}

static bool set_pattern(structural_rule *self, const char *text)
{
    if (!is_text(self) || self->shape != STRUCTURAL_PLAIN || self->pattern)
        return false;
    self->pattern = gc_xstrdup(text);
    return true;
}

/* Says nothing about which values are good. */
static bool is_silent(const char *word)
{
    static const char words[] =
        " primarykey indexed index readonly immutable autoincrement autogenerated "
        "generated auto unique nullable optional foreignkey searchable sortable "
        "filterable ";
    return is_among(word, words);
}

static bool read_word(structural_rule *self, const char *word)
{
    bool text = has_count(self);
    if (is_silent(word))
        return true;
    if (is_among(word, " required notempty nonempty notblank notnull ")) {
        self->required = true;
        return true;
    }
    if (strcmp(word, "positive") == 0 && self->class == STRUCTURAL_INTEGER && !text)
        return is_number(self) && set_min(self, "1");
    if (is_among(word, " nonnegative notnegative ") && !text)
        return is_number(self) && set_min(self, "0");
    return set_format(self, word);
}

static bool read_pair(structural_rule *self, const char *key, const char *value)
{
    bool counts = has_count(self);
    if (is_among(key, " example precision scale unit currency collation ") ||
        is_silent(key))
        return true;
    if (is_among(key, " minlength minlen minitems "))
        return set_count(self, value, &self->min_count);
    if (is_among(key, " maxlength maxlen maxitems "))
        return set_count(self, value, &self->max_count);
    if (is_among(key, " length len "))
        return set_count(self, value, &self->min_count) &&
               set_count(self, value, &self->max_count);
    if (is_among(key, " min minimum gte > ")) /* of ">= 1" */
        return counts ? set_count(self, value, &self->min_count)
                      : is_number(self) && set_min(self, value);
    if (is_among(key, " max maximum lte < "))
        return counts ? set_count(self, value, &self->max_count)
                      : is_number(self) && set_max(self, value);
    if (strcmp(key, "pattern") == 0)
        return set_pattern(self, value);
    char word[WORD_MAX];
    squeeze(value, strlen(value), word);
    if (strcmp(key, "format") == 0)
        return set_format(self, word);
    return strcmp(key, "oneof") == 0 && is_number(self) && set_one_of(self, value);
}

static bool read_constraint(structural_rule *self, const char *text)
{
    char word[WORD_MAX];
    size_t equals = strcspn(text, "=");
    squeeze(text, equals, word);
    if (!text[equals])
        return read_word(self, word);
    const char *value = text + equals + 1;
    return read_pair(self, word, value + strspn(value, " "));
}

/* ---- the type ---- */

static void read_type(structural_rule *self, const plan_field *f)
{
    const char *type = f->type;
    self->pointer = type[0] == '*';
    type += self->pointer;
    structural_class whole = structural_class_of(type, f);
    if (whole != STRUCTURAL_BYTES && gc_starts_with(type, "[]")) {
        self->shape = STRUCTURAL_LIST;
        type += 2;
    } else if (gc_starts_with(type, "map[")) {
        self->shape = STRUCTURAL_MAP;
        type += strcspn(type, "]") + 1;
    }
    self->value = type;
    self->class = structural_class_of(type, f);
    self->is_enum =
        f->spec && f->spec->enum_values.count && self->class == STRUCTURAL_STRING;
}

/* "[]email" gives its elements a format. Keys are made by the program. */
static bool read_spec_type(structural_rule *self, const plan_entity *pe,
                           const plan_field *f)
{
    const char *said = f->spec->spec_type;
    structural_format format;
    if (strcmp(said, "positive integer") == 0 && is_number(self))
        return set_min(self, "1");
    if (self->shape == STRUCTURAL_LIST && gc_starts_with(said, "[]"))
        said += 2;
    bool names = is_among(said, " email url uuid phone ip ");
    if (names && is_text(self) && strcmp(f->name, pe->id_field) != 0 && !f->spec->ref &&
        find_format(said, &format))
        self->format = format;
    return true;
}

/* ---- all together ---- */

static bool fits_count(const structural_rule *self, const char *text)
{
    int64_t len = (int64_t)strlen(text);
    return (self->min_count == STRUCTURAL_NO_BOUND || len >= self->min_count) &&
           (self->max_count == STRUCTURAL_NO_BOUND || len <= self->max_count);
}

static bool has_plain_key(const char *type)
{
    const char *key = strstr(type, "map[") + strlen("map[");
    char *word = gc_xmemdup(key, strcspn(key, "]"));
    structural_class class = structural_class_of(word, NULL);
    free(word);
    return class == STRUCTURAL_STRING || class == STRUCTURAL_INTEGER ||
           class == STRUCTURAL_FLOAT || class == STRUCTURAL_BOOL;
}

/* Is there a value that keeps it all, and does a test find one? */
static bool can_be_kept(structural_rule *self, const plan_field *f)
{
    int64_t least = self->min_count > 0 ? self->min_count : 0;
    int64_t most = self->max_count == STRUCTURAL_NO_BOUND ? INT32_MAX : self->max_count;
    if (least > most || (self->required && most == 0))
        return false;
    if (self->min && self->max && self->min_number > self->max_number)
        return false;
    if (self->one_of.count && (self->min || self->max))
        return false;
    if (self->shape == STRUCTURAL_MAP && (least > 1 || !has_plain_key(f->type)))
        return false;
    if (self->format && self->shape == STRUCTURAL_PLAIN &&
        (self->pattern || !fits_count(self, formats[self->format].good)))
        return false;
    return !self->pattern || structural_pattern_read(self->pattern, (size_t)least,
                                                     (size_t)most, &self->samples);
}

bool structural_rule_read(const plan_entity *pe, const plan_field *f,
                          structural_rule *out)
{
    *out = (structural_rule){ .min_count = STRUCTURAL_NO_BOUND,
                              .max_count = STRUCTURAL_NO_BOUND };
    read_type(out, f);
    if (!f->spec)
        return true;
    out->required = f->spec->required;
    bool known = read_spec_type(out, pe, f);
    for (size_t i = 0; i < f->spec->constraints.count && known; i++)
        known = read_constraint(out, f->spec->constraints.items[i]);
    if (known && can_be_kept(out, f))
        return true;
    structural_rule_release(out);
    return false;
}

void structural_rule_release(structural_rule *self)
{
    free(self->min);
    free(self->max);
    free(self->pattern);
    structural_pattern_release(&self->samples);
    gc_strv_release(&self->one_of);
    *self = (structural_rule){ 0 };
}
