/* From names that people write to safe Go names. Pure text; all results are malloc'ed.
 * Input is UTF-8; identity is that of Unicode NFC. */
#ifndef GC_COMMON_NAMING_H
#define GC_COMMON_NAMING_H

#include <stdbool.h>

#include "common/strv.h"

/* NFC form (Unicode 15). */
char *gc_nfc(const char *text);

/* "order item", "order-item", "orderItem" -> OrderItem; initialisms as Go writes them (ID,
 * URL, HTTP, API, JSON, UUID, SQL, IP). Never empty, never a keyword; other scripts keep
 * their letters if Go accepts them in an exported name (else they get the prefix X). */
char *gc_go_exported(const char *name);

/* orderItem; keywords and predeclared names get a trailing underscore. */
char *gc_go_unexported(const char *name);

/* order_item: ASCII, safe as a file name stem: never ends in _test or in _GOOS/_GOARCH. */
char *gc_go_snake(const char *name);

/* order_item without that rule on the end, for JSON keys and the like. */
char *gc_go_snake_plain(const char *name);

/* orderitem: ASCII, a package name: no keyword, no predeclared or standard top-level
 * package name that generated code imports. */
char *gc_go_package(const char *name);

/* Appends the words of a name or a text in small letters: "OrderItem IDs" -> order, item,
 * ids. */
void gc_go_words(const char *text, gc_strv *out);

/* Name under which Go code uses a module: the last part of its path that is no version
 * ("github.com/gofrs/uuid/v5" -> uuid, "gopkg.in/yaml.v3" -> yaml). */
char *gc_go_module_name(const char *path);

bool gc_go_is_keyword(const char *name);
bool gc_go_is_predeclared(const char *name);

#endif
