#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

/* The keys of a spec's root. Readers run in this order, whatever the order in the file. */

typedef void (*reader)(gc_spec *self, const gc_node *node);

static void read_relations(gc_spec *self, const gc_node *node)
{
    gc_spec_read_relations(self, node, NULL);
}

static void read_any_requirements(gc_spec *self, const gc_node *node)
{
    gc_spec_read_requirements(self, node, "functional");
}

static void read_non_functional(gc_spec *self, const gc_node *node)
{
    gc_spec_read_requirements(self, node, "non_functional");
}

static void read_scenarios(gc_spec *self, const gc_node *node)
{
    gc_spec_read_requirements(self, node, "scenario");
}

static void read_criteria(gc_spec *self, const gc_node *node)
{
    gc_spec_read_requirements(self, node, "criterion");
}

/* Read by gc_spec_read_project(), which sees the whole root. */
static const char project_keys[] = "name project_name project title description overview "
                                   "summary kind project_type";

/* About the document, not about the program. */
static const char ignored_keys[] =
    "metadata version author authors created created_at updated updated_at date license "
    "tags status schema schema_version spec_version id";

static const struct {
    const char *keys;
    reader read;
    bool words; /* text is fine here, so a lone number or boolean must be refused apart */
} sections[] = {
    { "module module_path go_module", gc_spec_read_module, false },
    { "go_version go", gc_spec_read_go_version, false },
    { "data_model domain_model domain", gc_spec_read_data_model, false },
    { "enums enumerations", gc_spec_read_enums, false },
    { "entities models key_entities", gc_spec_read_entities, false },
    { "relationships relations", read_relations, false },
    { "requirements functional_requirements features", read_any_requirements, true },
    { "nonfunctional_requirements non_functional_requirements constraints assumptions "
      "quality_attributes",
      read_non_functional, true },
    { "scenarios user_scenarios user_stories stories use_cases edge_cases",
      read_scenarios, true },
    { "success_criteria acceptance_criteria", read_criteria, true },
    { "api_contracts contracts endpoints api api_endpoints", gc_spec_read_contracts,
      false },
    { "architecture", gc_spec_read_architecture, true },
    { "packages", gc_spec_read_packages, true },
    { "dependencies", gc_spec_read_dependencies, true },
    { "patterns", gc_spec_read_patterns, true },
    { "testing_strategy testing", gc_spec_read_testing, true },
    { "build_config build", gc_spec_read_build, true },
    { "files", gc_spec_read_files, false },
    { "body", gc_spec_read_body, false },
};

#define SECTIONS (sizeof sections / sizeof *sections)

/* Row of the section that `key` opens, SECTIONS for the project's own keys and those
 * without meaning, SECTIONS + 1 for unknown ones. */
static size_t section_of(const char *key)
{
    for (size_t i = 0; i < SECTIONS; i++)
        if (gc_spec_is_one_of(key, sections[i].keys))
            return i;
    bool known =
        gc_spec_is_one_of(key, project_keys) || gc_spec_is_one_of(key, ignored_keys);
    return known ? SECTIONS : SECTIONS + 1;
}

/* A number or a boolean, unless it is in quotes. */
static bool is_bare_value(const gc_node *node)
{
    double number;
    return node->kind == GC_NODE_SCALAR && !node->quoted &&
           (gc_spec_is_one_of(node->text, "true false yes no on off") ||
            gc_parse_double(node->text, -1e300, 1e300, &number) == GC_OK);
}

static void read_section(gc_spec *self, size_t section, const gc_node *key,
                         const gc_node *value)
{
    if (sections[section].words && is_bare_value(value))
        gc_spec_error(self, value, "%s is %s; write a list, a map or text", key->text,
                      value->text);
    else
        sections[section].read(self, value);
}

static void report_unknown(gc_spec *self, const gc_node *key)
{
    gc_buf known;
    gc_buf_init(&known, 4096);
    gc_buf_printf(&known, "%s %s", project_keys, ignored_keys);
    for (size_t i = 0; i < SECTIONS; i++)
        gc_buf_printf(&known, " %s", sections[i].keys);
    gc_spec_unknown_key(self, key, "the spec", known.ptr);
    gc_buf_release(&known);
}

void gc_spec_read_root(gc_spec *self, const gc_node *root)
{
    if (gc_spec_is_null(root)) {
        gc_spec_error(self, root,
                      "the spec is empty; write at least a name and entities or "
                      "requirements");
        return;
    }
    if (root->kind != GC_NODE_MAP) {
        gc_spec_error(self, root,
                      "the spec is %s; write a map with keys such as name, "
                      "entities and requirements",
                      gc_spec_kind_words(root));
        return;
    }
    self->root = root;
    size_t *section = gc_xcalloc(root->count + 1, sizeof *section);
    for (size_t i = 0; i < root->count; i++) {
        char *key = gc_spec_key(root->keys[i]->text);
        section[i] = section_of(key);
        if (section[i] > SECTIONS)
            report_unknown(self, root->keys[i]);
        free(key);
    }
    gc_spec_read_project(self, root);
    for (size_t s = 0; s < SECTIONS; s++)
        for (size_t i = 0; i < root->count; i++)
            if (section[i] == s && !gc_spec_is_null(root->items[i]))
                read_section(self, s, root->keys[i], root->items[i]);
    free(section);
}
