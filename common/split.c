/* Design notes. Of the answer is kept what may still be needed (a bounded piece: the open
 * file, or all of an answer that has shown no tag so far), and a cursor moves over it by
 * lines; a line is judged once, when all of it is there, so that the result does not depend
 * on how the bytes were cut. Two things are judged earlier, by a line's first bytes alone:
 * `</file>` and the start of JSON.
 *
 * Where does a file end? At the first line that starts with `</file>`. In a Go file that
 * line may also stand inside a raw string or a comment: then, and where `</file>` ends a line
 * of text, it is only a candidate. A candidate counts if nothing but blanks and fences stand
 * between it and the next wanted <file> tag or the end of a complete answer. A <file> tag
 * of a wanted path that starts a line ends the file before it as well: at the last candidate,
 * or, if there is none, that file has no end and is dropped. */
#include "common/split.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/split_parts.h"
#include "common/text.h"

#define NOTES_LIMIT 4096
#define NOTE_PATH_LIMIT 120
#define MAX_INDENT 256
#define FORGET_BYTES 1024 /* not for less */
#define NOWHERE SIZE_MAX

static const char end_tag[] = "</file>";

typedef struct split_slot {
    char *path;
    char *content; /* NULL: not complete, or dropped */
    size_t len;
    char *piece; /* what came of it without an end, or under another path; or NULL */
    size_t piece_len;
    bool complete;
    bool taken; /* by the judge */
} split_slot;

typedef enum split_mode {
    IN_TEXT,
    IN_FILE,
    IN_JSON
} split_mode;

/* The file being read. */
typedef struct split_open {
    size_t slot; /* NOWHERE: not wanted */
    size_t start;
    size_t candidate; /* offset of a possible end tag, or NOWHERE */
    bool pending;     /* nothing but blanks and fences since the candidate */
    bool began;       /* a line with text was seen */
    bool is_go;
    gc_go_within within;
} split_open;

struct gc_split {
    split_slot *slots;
    size_t count;
    gc_buf text;
    size_t forgotten; /* bytes of the answer before text */
    size_t pos;       /* start of the line to judge */
    size_t scanned;   /* no newline in [pos, scanned) */
    split_mode mode;
    split_open open;
    gc_split_json *json;
    size_t json_line;  /* start of the line being read as JSON; pos runs ahead */
    bool json_fresh;   /* only blanks so far in that line */
    bool json_refused; /* the line at pos was tried */
    bool structured;   /* a tag or a JSON file was seen: no bare answer */
    bool overflow;
    bool finished;
    gc_split_judge_cb judge; /* NULL: all are taken */
    void *judge_arg;
    gc_buf path; /* of the last tag */
    gc_buf notes;
};

gc_split *gc_split_new(const char *const *paths, size_t count)
{
    gc_split *self = gc_xcalloc(1, sizeof *self);
    self->slots = gc_xcalloc(count ? count : 1, sizeof *self->slots);
    self->count = count;
    for (size_t i = 0; i < count; i++)
        self->slots[i].path = gc_xstrdup(paths[i]);
    gc_buf_init(&self->text, GC_SPLIT_MAX_BYTES);
    gc_buf_init(&self->path, GC_SPLIT_MAX_PATH);
    gc_buf_init(&self->notes, NOTES_LIMIT);
    return self;
}

void gc_split_destroy(gc_split **self_p)
{
    gc_split *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        free(self->slots[i].path);
        free(self->slots[i].content);
        free(self->slots[i].piece);
    }
    free(self->slots);
    gc_split_json_destroy(&self->json);
    gc_buf_release(&self->text);
    gc_buf_release(&self->path);
    gc_buf_release(&self->notes);
    free(self);
    *self_p = NULL;
}

void gc_split_set_judge(gc_split *self, gc_split_judge_cb judge, void *arg)
{
    self->judge = judge;
    self->judge_arg = arg;
}

static gc_span from_to(const gc_split *self, size_t from, size_t to)
{
    return (gc_span){ self->text.ptr + from, to - from };
}

static gc_span left(const gc_split *self)
{
    return from_to(self, self->pos, self->text.len);
}

static size_t offset_of(const gc_split *self, const char *ptr)
{
    return (size_t)(ptr - self->text.ptr);
}

/* A line about `path`; what does not fit any more is left out whole. */
static void note(gc_split *self, const char *what, gc_span path)
{
    gc_buf line;
    gc_buf_init(&line, NOTE_PATH_LIMIT + 128);
    gc_buf_printf(&line, "%s: ", what);
    for (size_t i = 0; i < path.len && i < NOTE_PATH_LIMIT; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        gc_buf_putc(&line, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
    gc_buf_putc(&line, '\n');
    if (!self->notes.full)
        gc_buf_append(&self->notes, line.ptr, line.len);
    gc_buf_release(&line);
}

static gc_span without_dot(gc_span path)
{
    path = gc_span_trim(path);
    if (gc_span_starts(path, "./"))
        return (gc_span){ path.ptr + 2, path.len - 2 };
    return path;
}

/* Letters of another case are a slip if they can mean one file only. */
static size_t find_slot(const gc_split *self, gc_span path)
{
    size_t alike = NOWHERE;
    bool several = false;
    path = without_dot(path);
    for (size_t i = 0; i < self->count; i++) {
        const char *own = self->slots[i].path;
        if (gc_span_is(path, own))
            return i;
        if (strlen(own) == path.len && strncasecmp(own, path.ptr, path.len) == 0) {
            several = alike != NOWHERE;
            alike = i;
        }
    }
    return several ? NOWHERE : alike;
}

/* Nobody asks for it again as it is, but it was paid for and may be looked at. */
static void keep_piece(gc_split *self, size_t index, gc_span text)
{
    split_slot *slot = &self->slots[index];
    text = gc_span_trim(text);
    if (slot->complete || text.len == 0)
        return;
    free(slot->piece);
    slot->piece = gc_xmemdup(text.ptr, text.len);
    slot->piece_len = text.len;
}

static bool path_is_go(gc_span path)
{
    return path.len > 3 && memcmp(path.ptr + path.len - 3, ".go", 3) == 0;
}

static void store(gc_split *self, size_t index, gc_span raw)
{
    split_slot *slot = &self->slots[index];
    gc_span path = { slot->path, strlen(slot->path) };
    if (slot->taken) {
        note(self, "came twice, the first one was taken", path);
        return;
    }
    if (slot->complete)
        note(self, "came again, and the later one was taken", path);
    free(slot->content);
    slot->content = gc_file_content(raw, path_is_go(path), &slot->len);
    slot->complete = true;
    slot->taken =
        !self->judge || self->judge(self->judge_arg, index, slot->content, slot->len);
}

/* The tag at the start of `text` (its path is then in self->path); bytes of it or 0. */
static size_t tag_at(gc_split *self, gc_span text, size_t *slot, bool *closed)
{
    size_t n = gc_file_tag(text, &self->path, closed);
    if (n)
        *slot = find_slot(self, (gc_span){ self->path.ptr, self->path.len });
    return n;
}

static bool wanted_tag_at(gc_split *self, gc_span text)
{
    size_t slot;
    bool closed;
    return tag_at(self, text, &slot, &closed) && slot != NOWHERE;
}

/* The line at pos, with its newline; at the end of the answer also a last one without. */
static bool next_line(gc_split *self, bool final, gc_span *line)
{
    size_t from = self->scanned > self->pos ? self->scanned : self->pos;
    gc_span rest = from_to(self, from, self->text.len);
    const char *newline = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;
    self->scanned = newline ? from : self->text.len;
    if (!newline && (!final || self->pos == self->text.len))
        return false;
    size_t end = newline ? offset_of(self, newline) + 1 : self->text.len;
    *line = from_to(self, self->pos, end);
    return true;
}

/* What the line at pos starts with, after at most MAX_INDENT blanks. */
static gc_span line_head(const gc_split *self)
{
    gc_span head = left(self);
    for (size_t i = 0; i < MAX_INDENT && head.len; i++) {
        if (head.ptr[0] != ' ' && head.ptr[0] != '\t')
            break;
        head.ptr++;
        head.len--;
    }
    return head;
}

/* ---- prose ---- */

static void open_file(gc_split *self, size_t slot, size_t start, gc_span line)
{
    size_t line_end = offset_of(self, line.ptr) + line.len;
    gc_span path = { self->path.ptr, self->path.len };
    if (slot == NOWHERE)
        note(self, "is not wanted", path);
    if (gc_span_trim(from_to(self, start, line_end)).len == 0)
        start = line_end; /* the newline after the tag is not content */
    self->open = (split_open){
        .slot = slot, .start = start, .candidate = NOWHERE, .is_go = path_is_go(path)
    };
    self->mode = IN_FILE;
    self->pos = start;
}

/* A tag opens a file if it starts the line, or if it ends it and its path is wanted: so a
 * tag that prose only mentions does not count. */
static void text_line(gc_split *self, gc_span line)
{
    gc_span text = gc_span_trim(line);
    size_t slot;
    bool closed;
    size_t n = tag_at(self, text, &slot, &closed);
    if (!n) {
        gc_span tail = text;
        while (tail.len && tail.ptr[tail.len - 1] != '<')
            tail.len--;
        tail.ptr += tail.len ? tail.len - 1 : 0;
        tail.len = (size_t)(text.ptr + text.len - tail.ptr);
        n = tag_at(self, tail, &slot, &closed);
        if (n != tail.len || slot == NOWHERE)
            n = 0;
        text = tail;
    }
    self->json_refused = false;
    self->pos = offset_of(self, line.ptr) + line.len;
    if (!n)
        return;
    self->structured = true;
    if (closed)
        note(self, "is empty", (gc_span){ self->path.ptr, self->path.len });
    else
        open_file(self, slot, offset_of(self, text.ptr) + n, line);
}

static void json_found(void *context, gc_span path, gc_span content)
{
    gc_split *self = context;
    size_t slot = find_slot(self, path);
    self->structured = true;
    if (slot == NOWHERE)
        note(self, "is not wanted", path);
    else
        store(self, slot, content);
}

static bool step_text(gc_split *self, bool final)
{
    gc_span line;
    if (self->pos + self->forgotten == 0 && gc_span_starts(left(self), "\xef\xbb\xbf"))
        self->pos = 3; /* a byte order mark */
    gc_span head = line_head(self);
    if (head.len && !self->json_refused && (head.ptr[0] == '[' || head.ptr[0] == '{')) {
        self->pos = self->json_line = offset_of(self, head.ptr);
        self->json_fresh = false;
        self->json = gc_split_json_new(json_found, self);
        self->mode = IN_JSON;
        return true;
    }
    if (!next_line(self, final, &line))
        return false;
    text_line(self, line);
    return true;
}

/* ---- JSON ---- */

/* Not JSON after all: the line with the wrong byte is read as prose, or, if that byte is its
 * first one, tried afresh. Lines before it held well-formed JSON and are done. */
static void leave_json(gc_split *self, bool first_byte)
{
    self->pos = self->scanned = self->json_line;
    self->json_refused = !first_byte;
    self->mode = IN_TEXT;
    gc_split_json_destroy(&self->json);
}

static bool step_json(gc_split *self)
{
    while (self->pos < self->text.len) {
        char c = self->text.ptr[self->pos];
        gc_json_step step = gc_split_json_byte(self->json, c);
        if (step == GC_JSON_BAD) {
            leave_json(self, self->json_fresh);
            return true;
        }
        self->pos++;
        if (step == GC_JSON_DONE) {
            self->mode = IN_TEXT;
            gc_split_json_destroy(&self->json);
            return true;
        }
        if (c == '\n') {
            self->json_line = self->pos;
            self->json_fresh = true;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            self->json_fresh = false;
        }
    }
    return false;
}

/* ---- inside a file ---- */

static void end_file(gc_split *self, size_t end, size_t resume)
{
    const split_open *open = &self->open;
    gc_span content = from_to(self, open->start, end);
    if (open->slot != NOWHERE)
        store(self, open->slot, content);
    else if (self->count == 1)
        keep_piece(self, 0, content);
    self->mode = IN_TEXT;
    self->pos = resume;
}

static void drop_file(gc_split *self, size_t end)
{
    size_t slot = self->open.slot;
    if (slot != NOWHERE && !self->slots[slot].complete) {
        const char *path = self->slots[slot].path;
        note(self, "has no end", (gc_span){ path, strlen(path) });
        keep_piece(self, slot, from_to(self, self->open.start, end));
    }
    self->mode = IN_TEXT;
}

/* The tag that starts this line opens the next file. */
static bool starts_next_file(gc_split *self, gc_span text)
{
    const split_open *open = &self->open;
    size_t slot;
    bool closed;
    if (!tag_at(self, text, &slot, &closed))
        return false;
    bool in_code = open->is_go && open->within == GC_WITHIN_CODE;
    if (slot == NOWHERE)
        return in_code; /* no line of Go code starts so */
    return in_code || !open->is_go || open->candidate != NOWHERE;
}

/* `</file>` in the middle or at the end of a trimmed line: true if it ended the file. */
static bool inline_end(gc_split *self, gc_span text)
{
    gc_span rest = text;
    for (;;) {
        const char *found = memmem(rest.ptr, rest.len, end_tag, strlen(end_tag));
        if (!found)
            return false;
        rest.ptr = found + strlen(end_tag);
        rest.len = (size_t)(text.ptr + text.len - rest.ptr);
        gc_span after = gc_span_trim(rest);
        if (after.len && wanted_tag_at(self, after)) {
            end_file(self, offset_of(self, found), offset_of(self, after.ptr));
            return true;
        }
        if (!after.len) {
            self->open.candidate = offset_of(self, found);
            self->open.pending = true;
        }
    }
}

/* Follows strings and comments of Go; the lines of a fence around it are not Go. */
static void follow(split_open *open, gc_span line)
{
    bool bare;
    bool fence = gc_fence_line(line, &bare);
    bool around = fence && open->within == GC_WITHIN_CODE && (bare || !open->began);
    if (gc_span_trim(line).len && !around)
        open->within = gc_go_follow(open->within, line);
    open->began |= gc_span_trim(line).len > 0;
}

static void file_line(gc_split *self, gc_span line)
{
    split_open *open = &self->open;
    gc_span text = gc_span_trim(line);
    size_t line_start = self->pos;
    bool bare = false;
    if (starts_next_file(self, text)) {
        if (open->candidate != NOWHERE)
            end_file(self, open->candidate, line_start);
        else
            drop_file(self, line_start);
        return;
    }
    self->pos = line_start + line.len;
    if (open->pending && (!text.len || (gc_fence_line(line, &bare) && bare)))
        return;
    open->pending = false;
    if (inline_end(self, text))
        return;
    if (open->is_go)
        follow(open, line);
}

static bool step_file(gc_split *self, bool final)
{
    gc_span line;
    gc_span head = line_head(self);
    if (self->open.within == GC_WITHIN_CODE && gc_span_starts(head, end_tag)) {
        end_file(self, self->pos, offset_of(self, head.ptr) + strlen(end_tag));
        return true;
    }
    if (!next_line(self, final, &line))
        return false;
    file_line(self, line);
    return true;
}

/* ---- the outside ---- */

static void run(gc_split *self, bool final)
{
    bool more = true;
    while (more) {
        switch (self->mode) {
        case IN_TEXT: more = step_text(self, final); break;
        case IN_FILE: more = step_file(self, final); break;
        case IN_JSON: more = step_json(self); break;
        }
    }
}

static size_t back(size_t offset, size_t by)
{
    return offset > by ? offset - by : 0;
}

/* Lets go of what was judged; thousands of answers are held at once. */
static void forget(gc_split *self)
{
    size_t done = self->pos;
    gc_buf rest;
    if (self->mode == IN_FILE)
        done = self->open.start;
    else if (self->mode == IN_JSON)
        done = self->json_line;
    if (!self->structured || done < FORGET_BYTES || done < self->text.len - done)
        return;
    gc_buf_init(&rest, GC_SPLIT_MAX_BYTES);
    gc_buf_append(&rest, self->text.ptr + done, self->text.len - done);
    gc_buf_release(&self->text);
    self->text = rest;
    self->forgotten += done;
    self->pos = back(self->pos, done);
    self->scanned = back(self->scanned, done);
    self->json_line = back(self->json_line, done);
    self->open.start = back(self->open.start, done);
    if (self->open.candidate != NOWHERE)
        self->open.candidate = back(self->open.candidate, done);
}

gc_err gc_split_feed(gc_split *self, const char *mem, size_t len)
{
    if (self->finished)
        return GC_ESTATE;
    size_t room = GC_SPLIT_MAX_BYTES - self->forgotten - self->text.len;
    self->overflow |= len > room;
    gc_err err = gc_buf_append_lean(&self->text, mem, len < room ? len : room);
    if (err)
        return err;
    run(self, false);
    forget(self);
    return self->overflow ? GC_ETOOBIG : GC_OK;
}

static void take_bare_answer(gc_split *self)
{
    gc_span answer = from_to(self, 0, self->text.len);
    gc_span content;
    const char *path = self->slots[0].path;
    if (gc_bare_answer(answer, gc_ends_with(path, ".go"), &content))
        store(self, 0, content);
}

void gc_split_finish(gc_split *self, bool stopped_short)
{
    if (self->finished)
        return;
    self->finished = true;
    stopped_short |= self->overflow;
    run(self, true);
    if (self->mode == IN_FILE) {
        if (self->open.pending && !stopped_short)
            end_file(self, self->open.candidate, self->text.len);
        else
            drop_file(self, self->text.len);
    }
    gc_split_json_destroy(&self->json);
    if (self->count == 1 && !self->structured && !stopped_short)
        take_bare_answer(self);
}

const char *gc_split_file(const gc_split *self, size_t index, size_t *len)
{
    const split_slot *slot = index < self->count ? &self->slots[index] : NULL;
    if (!slot || !slot->content || (!slot->taken && !self->finished))
        return NULL;
    if (len)
        *len = slot->len;
    return slot->content;
}

const char *gc_split_piece(const gc_split *self, size_t index, size_t *len)
{
    const split_slot *slot = &self->slots[index];
    if (slot->complete)
        return NULL;
    *len = slot->piece ? slot->piece_len : self->text.len;
    if (slot->piece || self->structured)
        return slot->piece;
    return gc_span_trim(from_to(self, 0, self->text.len)).len ? self->text.ptr : NULL;
}

void gc_split_drop(gc_split *self, size_t index)
{
    free(self->slots[index].content);
    self->slots[index].content = NULL;
}

const char *gc_split_notes(const gc_split *self)
{
    return self->notes.ptr;
}
