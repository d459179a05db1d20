#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/spec.h"
#include "common/text.h"

/* From the words for types to Go types. `said` is the type with synonyms unified, for
 * spec_type: what means the same is the same text. */

static const struct {
    const char *words; /* between bars */
    const char *go;
    const char *said; /* NULL: the Go type */
} known[] = {
    { "|string|str|text|varchar|nvarchar|char|character varying|character|long text|longtext|"
      "mediumtext|short text|free text|multiline text|",
      "string", NULL },
    { "|uuid|guid|", "string", "uuid" },
    { "|ulid|ulid.ulid|", "string", "ulid" }, /* 26 letters and digits */
    { "|unique identifier|identifier|unique id|id|objectid|object id|", "string",
      "identifier" },
    { "|email|email address|e mail|", "string", "email" },
    { "|url|uri|link|web address|website|", "string", "url" },
    { "|phone|phone number|telephone|", "string", "phone" },
    { "|password|", "string", "password" },
    { "|password hash|hash|", "string", "hash" },
    { "|token|secret|", "string", "secret" },
    { "|slug|", "string", "slug" },
    { "|markdown|", "string", "markdown" },
    { "|html|", "string", "html" },
    { "|xml|", "string", "xml" },
    { "|rich text|", "string", "rich text" },
    { "|country code|", "string", "country code" },
    { "|currency code|", "string", "currency code" },
    { "|locale|language code|language|", "string", "locale" },
    { "|timezone|time zone|", "string", "timezone" },
    { "|ip|ip address|ipaddress|inet|", "string", "ip" },
    { "|file path|filepath|path|filename|file name|", "string", "path" },
    { "|color|colour|", "string", "color" },
    { "|int|integer|whole number|number|num|numeric id|count|counter|quantity|year|smallint|"
      "tinyint|mediumint|serial|",
      "int", NULL },
    { "|int64|bigint|big int|long|long int|bigserial|big integer|", "int64", NULL },
    { "|positive integer|positive int|", "int", "positive integer" },
    { "|float64|float|double|double precision|real|floating point|", "float64", NULL },
    { "|decimal|numeric|", "float64", "decimal" },
    { "|money|currency|price|amount|monetary amount|", "float64", "money" },
    { "|percentage|percent|", "float64", "percentage" },
    { "|rate|ratio|", "float64", "ratio" },
    { "|bool|boolean|flag|yes/no|true/false|", "bool", NULL },
    { "|time.time|timestamp|timestamptz|datetime|date time|date and time|instant|"
      "timestamp with time zone|timestamp without time zone|",
      "time.Time", "timestamp" },
    { "|date|birthday|", "time.Time", "date" },
    { "|time|time of day|", "time.Time", "time" },
    { "|time.duration|duration|interval|timespan|time span|", "time.Duration",
      "duration" },
    { "|json|jsonb|object|map|dict|dictionary|hashmap|struct|key value pairs|"
      "map[string]interface{}|map[string]any|",
      "map[string]any", "object" },
    { "|[]byte|bytes|byte array|blob|binary|bytea|varbinary|byte slice|binary data|",
      "[]byte", "bytes" },
    { "|any|interface{}|mixed|json.rawmessage|", "any", NULL },
    { "|list|array|slice|set|collection|list of strings|tags|", "[]string", "[]string" },
    { "|int8|", "int8", NULL },
    { "|int16|", "int16", NULL },
    { "|int32|", "int32", NULL },
    { "|uint|unsigned int|unsigned integer|", "uint", NULL },
    { "|uint8|byte|", "uint8", NULL },
    { "|uint16|", "uint16", NULL },
    { "|uint32|", "uint32", NULL },
    { "|uint64|", "uint64", NULL },
    { "|float32|", "float32", NULL },
    { "|rune|", "rune", NULL },
    /* Of modules that the spec may not name: the nearest standard type. */
    { "|uuid.uuid|", "string", "uuid" },
    { "|decimal.decimal|", "float64", "decimal" },
    { "|money.money|", "float64", "money" },
    { "|big.int|", "int64", NULL },
    { "|big.float|big.rat|", "float64", NULL },
    { "|url.url|", "string", "url" },
    { "|net.ip|netip.addr|", "string", "ip" },
    { "|mail.address|", "string", "email" },
};

const char *gc_spec_type_word(const char *word, const char **said)
{
    if (!*word || strchr(word, '|') || strlen(word) > 40)
        return NULL;
    char *key = gc_xasprintf("|%s|", word);
    const char *go = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known && !go; i++)
        if (strstr(known[i].words, key)) {
            go = known[i].go;
            *said = known[i].said ? known[i].said : go;
        }
    free(key);
    return go;
}

bool gc_spec_is_type_word(const char *text)
{
    const char *said = NULL;
    char *copy = gc_spec_trim(text ? text : "");
    size_t len = strlen(copy);
    if (len && copy[len - 1] == '?')
        copy[len - 1] = '\0';
    char *inner = copy;
    if (gc_starts_with(inner, "[]") || gc_starts_with(inner, "*"))
        inner += inner[0] == '*' ? 1 : 2;
    size_t open = strcspn(inner, "([<,");
    bool head = open && inner[open];
    inner[open] = '\0';
    char *word = gc_spec_normal(inner);
    bool is =
        gc_spec_type_word(word, &said) != NULL ||
        (head && gc_spec_is_one_of(word, "enum list array set map dict optional ref")) ||
        strcmp(word, "enum") == 0 || gc_starts_with(word, "list of ") ||
        gc_starts_with(word, "array of ");
    free(word);
    free(copy);
    return is;
}

bool gc_spec_is_map_key(const char *go)
{
    return gc_spec_is_one_of(go,
                             "string int int8 int16 int32 int64 uint uint8 uint16 uint32 "
                             "uint64 bool rune float32 float64");
}

bool gc_spec_module_has_name(const char *path, const char *name, size_t len)
{
    char *own = gc_go_module_name(path);
    bool same = strlen(own) == len && memcmp(own, name, len) == 0;
    free(own);
    return same;
}
