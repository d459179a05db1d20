#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/doc_build.h"
#include "common/mem.h"

/* The block structure of CommonMark with the tables of GFM, as far as specs need it: see
 * doc.h for what comes out. Line by line, with one line of look-ahead; every line is used
 * up by exactly one block, so the time is linear. */

#define CODE_INDENT 4
#define NEST_INDENT 2 /* an item this much further right belongs to the one above */
#define NEST_LEVELS 16
#define FENCE_MIN 3
#define HEADING_MAX 6

typedef struct md_line {
    size_t first;  /* offset of the first byte that is no blank */
    size_t end;    /* behind the last byte that is no blank; first == end: blank line */
    size_t start;  /* offset of the line */
    size_t next;   /* offset of the next line */
    size_t indent; /* in columns, tabs to multiples of four */
} md_line;

typedef struct md_reader {
    gc_doc_build *build;
    gc_cursor cursor;
    const char *text;
    size_t len;
    size_t pos; /* start of the next line */
    gc_node *body;
    gc_buf scratch; /* the text being collected */
} md_reader;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static md_line line_at(const md_reader *self, size_t start)
{
    const char *t = self->text;
    md_line line = { .start = start, .first = start };
    size_t end = start + strcspn(t + start, "\r\n");
    line.next = end;
    if (t[line.next] == '\r')
        line.next++;
    if (t[line.next] == '\n' && (line.next == end || t[end] == '\r'))
        line.next++;
    for (; line.first < end && is_blank(t[line.first]); line.first++)
        line.indent += t[line.first] == '\t' ? 4 - line.indent % 4 : 1;
    while (end > line.first && is_blank(t[end - 1]))
        end--;
    line.end = end;
    return line;
}

static bool empty(const md_line *line)
{
    return line->first == line->end;
}

/* Number of times the byte at `pos` repeats. */
static size_t run_of(const md_reader *self, size_t pos, const md_line *line)
{
    size_t end = pos;
    while (end < line->end && self->text[end] == self->text[pos])
        end++;
    return end - pos;
}

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

/* "# text", closing marks dropped. */
static bool is_heading(const md_reader *self, const md_line *line)
{
    if (empty(line) || self->text[line->first] != '#' || line->indent >= CODE_INDENT)
        return false;
    size_t level = run_of(self, line->first, line), after = line->first + level;
    return level <= HEADING_MAX && (after == line->end || is_blank(self->text[after]));
}

static void read_heading(md_reader *self, const md_line *line)
{
    const char *t = self->text;
    size_t level = run_of(self, line->first, line);
    size_t from = line->first + level, to = line->end;
    while (from < to && is_blank(t[from]))
        from++;
    size_t hashes = to;
    while (hashes > from && t[hashes - 1] == '#')
        hashes--;
    if (hashes == from || is_blank(t[hashes - 1]))
        to = hashes;
    while (to > from && is_blank(t[to - 1]))
        to--;
    gc_place at = place(self, line->first), text_at = place(self, from);
    add_heading(self, at, level, text_at, t + from, to - from);
    self->pos = line->next;
}

/* Three or more of one of -, *, _ and nothing else but blanks. */
static bool is_rule(const md_reader *self, const md_line *line)
{
    if (empty(line) || line->indent >= CODE_INDENT ||
        !strchr("-*_", self->text[line->first]))
        return false;
    size_t marks = 0;
    for (size_t i = line->first; i < line->end; i++) {
        if (self->text[i] == self->text[line->first])
            marks++;
        else if (!is_blank(self->text[i]))
            return false;
    }
    return marks >= 3;
}

/* The line under a heading: 1 for ===, 2 for ---, else 0. */
static size_t underline_level(const md_reader *self, const md_line *line)
{
    if (empty(line) || line->indent >= CODE_INDENT)
        return 0;
    char c = self->text[line->first];
    if ((c != '=' && c != '-') ||
        run_of(self, line->first, line) != line->end - line->first)
        return 0;
    return c == '=' ? 1 : 2;
}

static bool is_comment(const md_reader *self, const md_line *line)
{
    return line->indent < CODE_INDENT && line->end - line->first >= 4 &&
           memcmp(self->text + line->first, "<!--", 4) == 0;
}

static void skip_comment(md_reader *self, const md_line *line)
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

/* Length of the fence that opens here, else 0. */
static size_t fence_len(const md_reader *self, const md_line *line)
{
    if (empty(line))
        return 0;
    char c = self->text[line->first];
    size_t run = c == '`' || c == '~' ? run_of(self, line->first, line) : 0;
    if (run < FENCE_MIN)
        return 0;
    /* `code` in one line of text is no fence. */
    const char *info = self->text + line->first + run;
    if (c == '`' && memchr(info, '`', line->end - line->first - run))
        return 0;
    return run;
}

static bool closes_fence(const md_reader *self, const md_line *line, char c, size_t min)
{
    if (empty(line) || self->text[line->first] != c)
        return false;
    size_t run = run_of(self, line->first, line);
    return run >= min && line->first + run == line->end;
}

/* Appends the line without up to `indent` columns of its own indentation. */
static void append_code_line(md_reader *self, const md_line *line, size_t indent)
{
    size_t from = line->start, end = from + strcspn(self->text + from, "\r\n");
    for (size_t i = 0; i < indent && from < end && is_blank(self->text[from]); from++)
        i += self->text[from] == '\t' ? 4 : 1;
    gc_buf_append(&self->scratch, self->text + from, end - from);
    gc_buf_putc(&self->scratch, '\n');
}

static void end_code(md_reader *self, gc_node *block, gc_place at)
{
    size_t len = self->scratch.len;
    put_text(self, block, "text", at, self->scratch.ptr, len ? len - 1 : 0);
}

static void read_fence(md_reader *self, const md_line *open, size_t fence)
{
    const char *t = self->text;
    gc_place at = place(self, open->first);
    size_t info = open->first + fence, word;
    while (info < open->end && is_blank(t[info]))
        info++;
    for (word = info; word < open->end && !is_blank(t[word]); word++)
        ;
    gc_node *block = add_block(self, "code", at);
    put_text(self, block, "language", place(self, info), t + info, word - info);
    gc_buf_reset(&self->scratch);
    bool closed = false;
    self->pos = open->next;
    gc_place text_at = place(self, self->pos);
    while (self->pos < self->len && !closed) {
        md_line line = line_at(self, self->pos);
        closed = closes_fence(self, &line, t[open->first], fence);
        if (!closed)
            append_code_line(self, &line, open->indent);
        self->pos = line.next;
    }
    if (!closed)
        warn(self, at, "the code block is never closed; add the closing fence");
    end_code(self, block, text_at);
}

static void read_indented_code(md_reader *self, const md_line *first)
{
    gc_place at = place(self, first->first);
    gc_node *block = add_block(self, "code", at);
    put_text(self, block, "language", at, "", 0);
    gc_buf_reset(&self->scratch);
    size_t end = 0; /* blank lines at the end do not belong to it */
    while (self->pos < self->len) {
        md_line line = line_at(self, self->pos);
        if (!empty(&line) && line.indent < CODE_INDENT)
            break;
        append_code_line(self, &line, CODE_INDENT);
        if (!empty(&line))
            end = self->scratch.len;
        self->pos = line.next;
    }
    put_text(self, block, "text", at, self->scratch.ptr, end ? end - 1 : 0);
}

/* Offset of the text of a list item, 0 if the line is none (offset 0 is never a text). */
static size_t item_text(const md_reader *self, const md_line *line)
{
    const char *t = self->text;
    size_t pos = line->first;
    if (empty(line) || is_rule(self, line))
        return 0;
    if (strchr("-*+", t[pos])) {
        pos++;
    } else {
        size_t digits = strspn(t + pos, "0123456789");
        pos += digits;
        if (!digits || digits > 9 || (t[pos] != '.' && t[pos] != ')'))
            return 0;
        pos++;
    }
    if (pos < line->end && !is_blank(t[pos]))
        return 0;
    while (pos < line->end && is_blank(t[pos]))
        pos++;
    return pos;
}

/* One cell of a table row: [*from, *to), blanks trimmed. Starts with *pos = line->first. */
static bool next_cell(const md_reader *self, const md_line *line, size_t *pos,
                      size_t *from, size_t *to)
{
    const char *t = self->text;
    if (*pos == line->first && *pos < line->end && t[*pos] == '|')
        ++*pos;
    if (*pos >= line->end)
        return false;
    size_t end = *pos;
    while (end < line->end && t[end] != '|')
        end += t[end] == '\\' && end + 1 < line->end ? 2 : 1;
    for (*from = *pos; *from < end && is_blank(t[*from]);)
        ++*from;
    for (*to = end; *to > *from && is_blank(t[*to - 1]);)
        --*to;
    *pos = end + 1;
    return true;
}

static size_t count_cells(const md_reader *self, const md_line *line)
{
    size_t pos = line->first, from, to, count = 0;
    while (next_cell(self, line, &pos, &from, &to))
        count++;
    return count;
}

static bool has_bar(const md_reader *self, const md_line *line)
{
    return memchr(self->text + line->first, '|', line->end - line->first) != NULL;
}

/* |---|:--:| with as many cells as the line above. */
static bool is_table(const md_reader *self, const md_line *head)
{
    if (!has_bar(self, head) || head->next >= self->len || head->indent >= CODE_INDENT)
        return false;
    md_line rule = line_at(self, head->next);
    size_t marks = strspn(self->text + rule.first, "|-: \t");
    return has_bar(self, &rule) && rule.first + marks >= rule.end &&
           memchr(self->text + rule.first, '-', rule.end - rule.first) &&
           count_cells(self, head) == count_cells(self, &rule);
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
static gc_node *read_row(md_reader *self, const md_line *line, size_t columns)
{
    gc_node *row = gc_doc_node(self->build, GC_NODE_SEQ, place(self, line->first));
    size_t pos = line->first, from, to, count = 0;
    while (row && next_cell(self, line, &pos, &from, &to)) {
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

static bool starts_block(const md_reader *self, const md_line *line)
{
    return is_heading(self, line) || is_rule(self, line) || is_comment(self, line) ||
           fence_len(self, line) > 0;
}

static void read_table(md_reader *self, const md_line *head)
{
    gc_place at = place(self, head->first);
    size_t columns = count_cells(self, head);
    gc_node *block = add_block(self, "table", at);
    put_node(self, block, "header", read_row(self, head, columns));
    self->pos = line_at(self, head->next).next;
    gc_node *rows = gc_doc_node(self->build, GC_NODE_SEQ, place(self, self->pos));
    while (self->pos < self->len && rows && !self->build->stopped) {
        md_line line = line_at(self, self->pos);
        if (empty(&line) || !has_bar(self, &line) || starts_block(self, &line))
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

static void begin_item(md_reader *self, md_list *list, const md_line *line, size_t text)
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
static bool take_list_line(md_reader *self, md_list *list, const md_line *line,
                           bool after_blank)
{
    size_t text = item_text(self, line);
    if (text) {
        begin_item(self, list, line, text);
        return true;
    }
    if (starts_block(self, line) || is_table(self, line))
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

static void read_list(md_reader *self, const md_line *first)
{
    gc_place at = place(self, first->first);
    gc_node *block = add_block(self, "list", at);
    md_list list = { .items = gc_doc_node(self->build, GC_NODE_SEQ, at) };
    bool after_blank = false;
    while (self->pos < self->len && list.items && !self->build->stopped) {
        md_line line = line_at(self, self->pos);
        if (!empty(&line) && !take_list_line(self, &list, &line, after_blank))
            break;
        after_blank = empty(&line);
        self->pos = line.next;
    }
    if (list.items)
        end_item(self, &list);
    put_node(self, block, "items", list.items);
}

/* Lists interrupt a paragraph only if they cannot be a line that starts by chance with a
 * number ("... in\n1984. That"). */
static bool interrupts(const md_reader *self, const md_line *line)
{
    size_t text = item_text(self, line);
    bool first_item = text && text < line->end &&
                      (strchr("-*+", self->text[line->first]) ||
                       (self->text[line->first] == '1' && text - line->first <= 3));
    return first_item || starts_block(self, line) || is_table(self, line);
}

static void append_paragraph_line(md_reader *self, const md_line *line)
{
    size_t from = line->first;
    while (from < line->end && (self->text[from] == '>' || is_blank(self->text[from])))
        from++;
    if (self->scratch.len)
        gc_buf_putc(&self->scratch, '\n');
    gc_buf_append(&self->scratch, self->text + from, line->end - from);
}

static void read_paragraph(md_reader *self, const md_line *first)
{
    gc_place at = place(self, first->first);
    size_t level = 0;
    gc_buf_reset(&self->scratch);
    append_paragraph_line(self, first);
    self->pos = first->next;
    while (self->pos < self->len && !level) {
        md_line line = line_at(self, self->pos);
        level = underline_level(self, &line);
        if (empty(&line) || (!level && interrupts(self, &line)))
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
    md_line line = line_at(self, self->pos);
    size_t fence = fence_len(self, &line);
    if (empty(&line) || is_rule(self, &line))
        self->pos = line.next;
    else if (is_comment(self, &line))
        skip_comment(self, &line);
    else if (fence)
        read_fence(self, &line, fence);
    else if (is_heading(self, &line))
        read_heading(self, &line);
    else if (line.indent >= CODE_INDENT)
        read_indented_code(self, &line);
    else if (item_text(self, &line))
        read_list(self, &line);
    else if (is_table(self, &line))
        read_table(self, &line);
    else
        read_paragraph(self, &line);
}

static bool is_mark(const md_reader *self, const md_line *line, const char *mark)
{
    return line->first == line->start && line->end - line->first == 3 &&
           memcmp(self->text + line->first, mark, 3) == 0;
}

/* The line of the first mark: blank lines may stand before it. */
static md_line front_matter_mark(const md_reader *self, int *number)
{
    md_line line = line_at(self, 0);
    for (*number = 1; empty(&line) && line.next < self->len; ++*number)
        line = line_at(self, line.next);
    return line;
}

/* The YAML between the marks, as a map; NULL after an error that stops. */
static gc_node *read_front_matter(md_reader *self)
{
    int number;
    md_line open = front_matter_mark(self, &number), line = open;
    const gc_place start = { number, 1 }, second = { number + 1, 1 };
    if (!is_mark(self, &open, "---"))
        return gc_doc_node(self->build, GC_NODE_MAP, (gc_place){ 1, 1 });
    bool closed = false;
    while (line.next < self->len && !closed) {
        line = line_at(self, line.next);
        closed = is_mark(self, &line, "---") || is_mark(self, &line, "...");
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
