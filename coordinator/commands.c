#include "coordinator/commands.h"

#include <curl/curl.h>
#include <czmq.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <msgpack.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "coordinator/prepare.h"

/* ---- clarify ---- */

static json_t *question_json(const gc_question *q)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:o}", "question_id", q->id,
                     "subject", q->subject, "text", q->text, "default", q->default_answer,
                     "line", q->line, "column", q->column, "answer",
                     q->answer ? json_string(q->answer) : json_null());
}

static void print_question(const gc_options *options, const gc_question *q)
{
    printf("%s (%s, %s:%d:%d)\n  %s\n  %s: %s\n", q->id, q->subject, options->spec,
           q->line, q->column, q->text, q->answer ? "answer" : "default",
           q->answer ? q->answer : q->default_answer);
}

gc_exit gc_command_clarify(const gc_options *options)
{
    gc_project project;
    gc_exit code = gc_project_load(options, false, &project);
    size_t open = 0;
    json_t *list = json_array();
    for (size_t i = 0; code == GC_EXIT_OK && i < project.fcs->question_count; i++) {
        const gc_question *q = &project.fcs->questions[i];
        open += !q->answer;
        if (options->json)
            json_array_append_new(list, question_json(q));
        else
            print_question(options, q);
    }
    if (code == GC_EXIT_OK && options->json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (code == GC_EXIT_OK) {
        printf("%zu open, %zu answered\n", open, project.fcs->question_count - open);
    }
    json_decref(list);
    gc_project_release(&project);
    return code != GC_EXIT_OK ? code : open ? GC_EXIT_CLARIFY : GC_EXIT_OK;
}

/* ---- dump-fcs ---- */

gc_exit gc_command_dump_fcs(const gc_options *options)
{
    gc_project project;
    gc_exit code = gc_project_load(options, false, &project);
    if (code == GC_EXIT_OK) {
        gc_buf text;
        gc_buf_init(&text, (size_t)256 << 20);
        gc_fcs_canonical(project.fcs, &text);
        fwrite(text.ptr, 1, text.len, stdout);
        putchar('\n');
        gc_buf_release(&text);
    }
    gc_project_release(&project);
    return code;
}

/* ---- version ---- */

gc_exit gc_command_version(const gc_options *options)
{
    int major, minor, patch, yaml_major, yaml_minor, yaml_patch;
    (void)options;
    zmq_version(&major, &minor, &patch);
    yaml_get_version(&yaml_major, &yaml_minor, &yaml_patch);
    printf("gocreator %s\n", GC_VERSION);
    printf("libzmq %d.%d.%d, czmq %d.%d.%d, libcurl %s, hiredis %d.%d.%d, msgpack %s, "
           "libyaml %d.%d.%d, jansson %s, %s\n",
           major, minor, patch, CZMQ_VERSION_MAJOR, CZMQ_VERSION_MINOR,
           CZMQ_VERSION_PATCH, curl_version_info(CURLVERSION_NOW)->version, HIREDIS_MAJOR,
           HIREDIS_MINOR, HIREDIS_PATCH, msgpack_version(), yaml_major, yaml_minor,
           yaml_patch, JANSSON_VERSION, OpenSSL_version(OPENSSL_VERSION));
    return GC_EXIT_OK;
}
