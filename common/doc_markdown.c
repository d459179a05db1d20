#include <string.h>

#include "common/buf.h"
#include "common/doc_build.h"
#include "common/markdown_line.h"

/* The block structure of CommonMark with the tables of GFM, as far as specs need it: see
 * doc.h for what comes out. Line by line, with one line of look-ahead; every line is used
 * up by exactly one block, so the time is linear. */

#define NEST_INDENT 2 /* an item this much further right belongs to the one above */
#define NEST_LEVELS 16

typedef struct md_reader {
    gc_doc_build *build;
    gc_cursor cursor;
    const char *text;
    size_t len;
    size_t pos; /* start of the next line */
    gc_node *body;
    gc_buf scratch; /* the text being collected */
} md_reader;

static gc_place place(md_reader *self, size_t pos)
{
    return gc_cursor_move(&self->cursor, pos);
}

static void warn(md_reader *self, gc_place at, const char *text)
{
    gc_diags_add(self->build->diags, GC_SEV_WARNING, at.line, at.column, "%s", text);
}

static gc_node *new_text(md_reader *self, gc_place at, const char *text, size_t len)
{
    gc_node *node = gc_doc_scalar(self->build, at, text, len);
    if (node)
        node->quoted = true;
    return node;
}

static void put_node(md_reader *self, gc_node *map, const char *key, gc_node *value)
{
    if (!map || !value)
        return;
    gc_place at = { value->line, value->column };
    gc_doc_put(self->build, map, gc_doc_scalar(self->build, at, key, strlen(key)), value);
}

static void put_text(md_reader *self, gc_node *map, const char *key, gc_place at,
                     const char *text, size_t len)
{
    put_node(self, map, key, new_text(self, at, text, len));
}

/* A block at the end of the body; NULL at a limit. */
static gc_node *add_block(md_reader *self, const char *kind, gc_place at)
{
    gc_node *block = gc_doc_node(self->build, GC_NODE_MAP, at);
    gc_doc_push(self->build, self->body, block);
    put_text(self, block, "block", at, kind, strlen(kind));
    return block;
}

static void add_heading(md_reader *self, gc_place at, size_t level, gc_place text_at,
                        const char *text, size_t len)
{
    char digit = (char)('0' + level);
    gc_node *block = add_block(self, "heading", at);
    put_node(self, block, "level", gc_doc_scalar(self->build, at, &digit, 1));
    put_text(self, block, "text", text_at, text, len);
}

/* Closing marks are dropped. */
static void read_heading(md_reader *self, const gc_md_line *line)
{
    const char *t = self->text;
    size_t level = gc_md_run(self->text, line->first, line);
    size_t from = line->first + level, to = line->end;
    while (from < to && gc_md_is_blank(t[from]))
        from++;
    size_t hashes = to;
    while (hashes > from && t[hashes - 1] == '#')
        hashes--;
    if (hashes == from || gc_md_is_blank(t[hashes - 1]))
        to = hashes;
    while (to > from && gc_md_is_blank(t[to - 1]))
        to--;
    gc_place at = place(self, line->first), text_at = place(self, from);
    add_heading(self, at, level, text_at, t + from, to - from);
    self->pos = line->next;
}

static void skip_comment(md_reader *self, const gc_md_line *line)
{
    const char *end = strstr(self->text + line->first + 4, "-->");
    if (end) {
        self->pos = (size_t)(end + 3 - self->text);
        return;
    }
    warn(self, place(self, line->first),
         "the comment is never closed and hides the rest of the file; add -->");
    self->pos = self->len;
}

/* Appends the line without up to `indent` columns of its own indentation. */
static void append_code_line(md_reader *self, const gc_md_line *line, size_t indent)
{
    size_t from = line->start, end = from + strcspn(self->text + from, "\r\n");
    for (size_t i = 0; i < indent && from < end && gc_md_is_blank(self->text[from]);
         from++)
        i += self->text[from] == '\t' ? 4 : 1;
    gc_buf_append(&self->scratch, self->text + from, end - from);
    gc_buf_putc(&self->scratch, '\n');
}

static void end_code(md_reader *self, gc_node *block, gc_place at)
{
    size_t len = self->scratch.len;
    put_text(self, block, "text", at, self->scratch.ptr, len ? len - 1 : 0);
}

static void read_fence(md_reader *self, const gc_md_line *open, size_t fence)
{
    const char *t = self->text;
    gc_place at = place(self, open->first);
    size_t info = open->first + fence, word;
    while (info < open->end && gc_md_is_blank(t[info]))
        info++;
    for (word = info; word < open->end && !gc_md_is_blank(t[word]); word++)
        ;
    gc_node *block = add_block(self, "code", at);
    put_text(self, block, "language", place(self, info), t + info, word - info);
    gc_buf_reset(&self->scratch);
    bool closed = false;
    self->pos = open->next;
    gc_place text_at = place(self, self->pos);
    while (self->pos < self->len && !closed) {
        gc_md_line line = gc_md_line_at(self->text, self->pos);
        closed = gc_md_closes_fence(self->text, &line, t[open->first], fence);
        if (!closed)
            append_code_line(self, &line, open->indent);
        self->pos = line.next;
    }
    if (!closed)
        warn(self, at, "the code block is never closed; add the closing fence");
    end_code(self, block, text_at);
}

static void read_indented_code(md_reader *self, const gc_md_line *first)
{
    gc_place at = place(self, first->first);
    gc_node *block = add_block(self, "code", at);
    put_text(self, block, "language", at, "", 0);
    gc_buf_reset(&self->scratch);
    size_t end = 0; /* blank lines at the end do not belong to it */
    while (self->pos < self->len) {
        gc_md_line line = gc_md_line_at(self->text, self->pos);
        if (!gc_md_is_empty(&line) && line.indent < GC_MD_CODE_INDENT)
            break;
        append_code_line(self, &line, GC_MD_CODE_INDENT);
        if (!gc_md_is_empty(&line))
            end = self->scratch.len;
        self->pos = line.next;
    }
    put_text(self, block, "text", at, self->scratch.ptr, end ? end - 1 : 0);
}

static gc_node *new_cell(md_reader *self, size_t from, size_t to)
{
    gc_buf_reset(&self->scratch);
    for (size_t i = from; i < to; i++)
        if (self->text[i] != '\\' || self->text[i + 1] != '|')
            gc_buf_putc(&self->scratch, self->text[i]);
    return new_text(self, place(self, from), self->scratch.ptr, self->scratch.len);
}

/* A sequence of `columns` texts; too few cells are filled up, too many are reported. */
static gc_node *read_row(md_reader *self, const gc_md_line *line, size_t columns)
{
    gc_node *row = gc_doc_node(self->build, GC_NODE_SEQ, place(self, line->first));
    size_t pos = line->first, from, to, count = 0;
    while (row && gc_md_next_cell(self->text, line, &pos, &from, &to)) {
        if (count++ < columns)
            gc_doc_push(self->build, row, new_cell(self, from, to));
        else if (count == columns + 1)
            warn(self, place(self, from),
                 "more cells than the table's header; the rest of the row is ignored "
                 "(write \\| for a bar inside of a cell)");
    }
    for (; row && count < columns; count++)
        gc_doc_push(self->build, row, new_text(self, place(self, line->end), "", 0));
    return row;
}

static void read_table(md_reader *self, const gc_md_line *head)
{
    gc_place at = place(self, head->first);
    size_t columns = gc_md_count_cells(self->text, head);
    gc_node *block = add_block(self, "table", at);
    put_node(self, block, "header", read_row(self, head, columns));
    self->pos = gc_md_line_at(self->text, head->next).next;
    gc_node *rows = gc_doc_node(self->build, GC_NODE_SEQ, place(self, self->pos));
    while (self->pos < self->len && rows && !self->build->stopped) {
        gc_md_line line = gc_md_line_at(self->text, self->pos);
        if (gc_md_is_empty(&line) || !gc_md_has_bar(self->text, &line) ||
            gc_md_starts_block(self->text, &line))
            break;
        gc_doc_push(self->build, rows, read_row(self, &line, columns));
        self->pos = line.next;
    }
    put_node(self, block, "rows", rows);
}

/* The item that is being collected and the indentation of its ancestors. */
typedef struct md_list {
    gc_node *items;
    size_t indents[NEST_LEVELS];
    size_t depth;
    bool open;
    gc_place at; /* of the open item's text */
} md_list;

static void end_item(md_reader *self, md_list *list)
{
    if (list->open)
        gc_doc_push(self->build, list->items,
                    new_text(self, list->at, self->scratch.ptr, self->scratch.len));
    list->open = false;
}

static void begin_item(md_reader *self, md_list *list, const gc_md_line *line,
                       size_t text)
{
    end_item(self, list);
    while (list->depth && line->indent < list->indents[list->depth - 1] + NEST_INDENT)
        list->depth--;
    gc_buf_reset(&self->scratch);
    for (size_t i = 0; i < list->depth; i++)
        gc_buf_puts(&self->scratch, "  ");
    if (list->depth < NEST_LEVELS)
        list->indents[list->depth++] = line->indent;
    gc_buf_append(&self->scratch, self->text + text, line->end - text);
    list->at = place(self, text);
    list->open = text < line->end; /* a marker without text says nothing */
}

/* Takes one line into the list; false if it belongs to the next block. */
static bool take_list_line(md_reader *self, md_list *list, const gc_md_line *line,
                           bool after_blank)
{
    size_t text = gc_md_item_text(self->text, line);
    if (text) {
        begin_item(self, list, line, text);
        return true;
    }
    if (gc_md_starts_block(self->text, line) || gc_md_is_table(self->text, line))
        return false;
    if (after_blank && line->indent < NEST_INDENT)
        return false;
    if (list->open)
        gc_buf_putc(&self->scratch, '\n');
    else
        list->at = place(self, line->first);
    list->open = true;
    gc_buf_append(&self->scratch, self->text + line->first, line->end - line->first);
    return true;
}

static void read_list(md_reader *self, const gc_md_line *first)
{
    gc_place at = place(self, first->first);
    gc_node *block = add_block(self, "list", at);
    md_list list = { .items = gc_doc_node(self->build, GC_NODE_SEQ, at) };
    bool after_blank = false;
    while (self->pos < self->len && list.items && !self->build->stopped) {
        gc_md_line line = gc_md_line_at(self->text, self->pos);
        if (!gc_md_is_empty(&line) && !take_list_line(self, &list, &line, after_blank))
            break;
        after_blank = gc_md_is_empty(&line);
        self->pos = line.next;
    }
    if (list.items)
        end_item(self, &list);
    put_node(self, block, "items", list.items);
}

static void append_paragraph_line(md_reader *self, const gc_md_line *line)
{
    size_t from = line->first;
    while (from < line->end &&
           (self->text[from] == '>' || gc_md_is_blank(self->text[from])))
        from++;
    if (self->scratch.len)
        gc_buf_putc(&self->scratch, '\n');
    gc_buf_append(&self->scratch, self->text + from, line->end - from);
}

static void read_paragraph(md_reader *self, const gc_md_line *first)
{
    gc_place at = place(self, first->first);
    size_t level = 0;
    gc_buf_reset(&self->scratch);
    append_paragraph_line(self, first);
    self->pos = first->next;
    while (self->pos < self->len && !level) {
        gc_md_line line = gc_md_line_at(self->text, self->pos);
        level = gc_md_underline_level(self->text, &line);
        if (gc_md_is_empty(&line) || (!level && gc_md_interrupts(self->text, &line)))
            break;
        if (!level)
            append_paragraph_line(self, &line);
        self->pos = line.next;
    }
    if (level) {
        add_heading(self, at, level, at, self->scratch.ptr, self->scratch.len);
    } else if (self->scratch.len) {
        gc_node *block = add_block(self, "paragraph", at);
        put_text(self, block, "text", at, self->scratch.ptr, self->scratch.len);
    }
}

static void read_block(md_reader *self)
{
    gc_md_line line = gc_md_line_at(self->text, self->pos);
    size_t fence = gc_md_fence_len(self->text, &line);
    if (gc_md_is_empty(&line) || gc_md_is_rule(self->text, &line))
        self->pos = line.next;
    else if (gc_md_is_comment(self->text, &line))
        skip_comment(self, &line);
    else if (fence)
        read_fence(self, &line, fence);
    else if (gc_md_is_heading(self->text, &line))
        read_heading(self, &line);
    else if (line.indent >= GC_MD_CODE_INDENT)
        read_indented_code(self, &line);
    else if (gc_md_item_text(self->text, &line))
        read_list(self, &line);
    else if (gc_md_is_table(self->text, &line))
        read_table(self, &line);
    else
        read_paragraph(self, &line);
}

/* The line of the first mark: blank lines may stand before it. */
static gc_md_line front_matter_mark(const md_reader *self, int *number)
{
    gc_md_line line = gc_md_line_at(self->text, 0);
    for (*number = 1; gc_md_is_empty(&line) && line.next < self->len; ++*number)
        line = gc_md_line_at(self->text, line.next);
    return line;
}

/* The YAML between the marks, as a map; NULL after an error that stops. */
static gc_node *read_front_matter(md_reader *self)
{
    int number;
    gc_md_line open = front_matter_mark(self, &number), line = open;
    const gc_place start = { number, 1 }, second = { number + 1, 1 };
    if (!gc_md_is_mark(self->text, &open, "---"))
        return gc_doc_node(self->build, GC_NODE_MAP, (gc_place){ 1, 1 });
    bool closed = false;
    while (line.next < self->len && !closed) {
        line = gc_md_line_at(self->text, line.next);
        closed = gc_md_is_mark(self->text, &line, "---") ||
                 gc_md_is_mark(self->text, &line, "...");
    }
    if (!closed && open.start) /* a mere rule */
        return gc_doc_node(self->build, GC_NODE_MAP, (gc_place){ 1, 1 });
    if (!closed) {
        gc_doc_stop(self->build, start,
                    "the front matter is never closed; add a line --- behind it");
        return NULL;
    }
    self->pos = line.next;
    gc_node *root = gc_doc_read_yaml(self->build, self->text + open.next,
                                     line.start - open.next, second);
    if (!root || root->kind == GC_NODE_MAP)
        return root;
    if (root->kind != GC_NODE_NULL)
        gc_doc_error(self->build, (gc_place){ root->line, root->column },
                     "the front matter must be a map of keys and values");
    return gc_doc_node(self->build, GC_NODE_MAP, start);
}

gc_node *gc_doc_read_markdown(gc_doc_build *self, const char *mem, size_t len)
{
    md_reader reader = { .build = self,
                         .text = mem,
                         .len = len,
                         .cursor = { .text = mem, .place = { 1, 1 } } };
    gc_buf_init(&reader.scratch, 2 * GC_DOC_MAX_BYTES);
    gc_node *root = read_front_matter(&reader);
    const gc_node *taken = gc_node_get(root, "body");
    if (taken)
        gc_doc_error(
            self, (gc_place){ taken->line, taken->column },
            "the key \"body\" is that of the text below the front matter; rename");
    reader.body =
        root ? gc_doc_node(self, GC_NODE_SEQ, place(&reader, reader.pos)) : NULL;
    while (reader.body && reader.pos < len && !self->stopped)
        read_block(&reader);
    if (!taken)
        put_node(&reader, root, "body", reader.body);
    gc_buf_release(&reader.scratch);
    return root;
}
