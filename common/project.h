/* The project files that need no LLM: the templates of templates/project, filled from the
 * FCS. What a specification says is data here, never template text. Names and versions are
 * checked before they go into files that are read line by line; free text goes into the
 * README alone, on one line, with Markdown and HTML neutralised.
 *
 * Data of every template: app, module_path, go_version, main (package to build: "./cmd/x"),
 * http, cli, library, program (there is a package to run), modules [{path, version}],
 * unversioned [{path}], one_version, many_versions, has_unversioned, has_modules. Besides, only in
 * readme.tmpl: title, description, contracts [{route, description}], packages [{path,
 * purpose}], entities [{name, description, has_fields, fields [{name, type, required,
 * description}]}], and has_contracts, has_packages, has_entities. */
#ifndef GC_COMMON_PROJECT_H
#define GC_COMMON_PROJECT_H

#include <jansson.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/fcs.h"
#include "common/hash.h"

/* The path of the file that template `name` ("dockerfile.tmpl") makes, or NULL. */
const char *gc_project_template(const char *name);

/* Steps through the template names, sorted by path of the file: NULL at the end. */
const char *gc_project_template_at(size_t index);

/* Appends the file that template `name` makes. The template is the file of that name in
 * `directory` if there is one, else the one inside ("" = always). GC_ENOENT: no such
 * template; GC_EIO, GC_ETOOBIG, GC_EINVAL: the override, which `info` names; GC_EINVAL also
 * for a name of the FCS that does not fit into the file. */
GC_MUST_CHECK gc_err gc_project_render(const char *directory, const char *name,
                                       const gc_fcs *fcs, gc_buf *out, gc_errinfo *info);

/* The same for a Go template, which the plan has told what to say: names and texts in `data`
 * must fit where the template puts them. */
GC_MUST_CHECK gc_err gc_project_render_data(const char *directory, const char *name,
                                            const json_t *data, gc_buf *out,
                                            gc_errinfo *info);

/* Hash of the template's text, the override included: errors as above. */
GC_MUST_CHECK gc_err gc_project_template_sha(const char *directory, const char *name,
                                             gc_sha *out, gc_errinfo *info);

#endif
