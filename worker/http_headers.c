#include "worker/http_headers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct gc_http_headers {
    struct curl_slist *list;
    size_t users;
};

void gc_http_headers_drop(gc_http_headers **self_p)
{
    gc_http_headers *self = *self_p;
    *self_p = NULL;
    if (!self || --self->users > 0)
        return;
    curl_slist_free_all(self->list);
    free(self);
}

static struct curl_slist *make_list(const gc_strv *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:"); /* no 100-continue before large bodies */
    for (size_t i = 0; i < headers->count; i++)
        list = curl_slist_append(list, headers->items[i]);
    return list;
}

static bool same_list(const struct curl_slist *a, const struct curl_slist *b)
{
    while (a && b && strcmp(a->data, b->data) == 0) {
        a = a->next;
        b = b->next;
    }
    return !a && !b;
}

gc_http_headers *gc_http_headers_hold(gc_http_headers **latest, const gc_strv *headers)
{
    struct curl_slist *list = make_list(headers);
    if (*latest && same_list((*latest)->list, list)) {
        curl_slist_free_all(list);
    } else {
        gc_http_headers_drop(latest);
        *latest = gc_xcalloc(1, sizeof **latest);
        **latest = (gc_http_headers){ list, 1 };
    }
    (*latest)->users++;
    return *latest;
}

struct curl_slist *gc_http_headers_list(const gc_http_headers *self)
{
    return self->list;
}
