/* What a line of Markdown is: the beginnings of blocks as CommonMark (spec.commonmark.org) and
 * the tables of GFM define them, as far as specs need them. For doc_markdown.c only. Pure; all
 * texts end in NUL and have no other, lines and offsets are within them. */
#ifndef GC_COMMON_MARKDOWN_LINE_H
#define GC_COMMON_MARKDOWN_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define GC_MD_CODE_INDENT 4 /* columns; what is further right is code */

typedef struct gc_md_line {
    size_t first;  /* offset of the first byte that is no blank */
    size_t end;    /* behind the last byte that is no blank; first == end: blank line */
    size_t start;  /* offset of the line */
    size_t next;   /* offset of the next line */
    size_t indent; /* in columns, tabs to multiples of four */
} gc_md_line;

/* The line that starts at this offset; it ends with LF, CR LF, CR or the text. */
gc_md_line gc_md_line_at(const char *text, size_t start);

bool gc_md_is_blank(char c);
bool gc_md_is_empty(const gc_md_line *line);

/* Number of times the byte at `pos` repeats. */
size_t gc_md_run(const char *text, size_t pos, const gc_md_line *line);

/* "# text" */
bool gc_md_is_heading(const char *text, const gc_md_line *line);

/* The line under a heading: 1 for ===, 2 for ---, else 0. */
size_t gc_md_underline_level(const char *text, const gc_md_line *line);

/* Three or more of one of -, *, _ and nothing else but blanks. */
bool gc_md_is_rule(const char *text, const gc_md_line *line);

/* "<!--" */
bool gc_md_is_comment(const char *text, const gc_md_line *line);

/* Length of the fence that opens here, else 0; the line that closes one of `min` times `c`. */
size_t gc_md_fence_len(const char *text, const gc_md_line *line);
bool gc_md_closes_fence(const char *text, const gc_md_line *line, char c, size_t min);

/* Offset of the text of a list item, 0 if the line is none (offset 0 is never a text). */
size_t gc_md_item_text(const char *text, const gc_md_line *line);

/* One cell of a table row: [*from, *to), blanks trimmed. Starts with *pos = line->first; false
 * behind the last one. */
bool gc_md_next_cell(const char *text, const gc_md_line *line, size_t *pos, size_t *from,
                     size_t *to);
size_t gc_md_count_cells(const char *text, const gc_md_line *line);
bool gc_md_has_bar(const char *text, const gc_md_line *line);

/* The head of a table: below it stands |---|:--:| with as many cells. */
bool gc_md_is_table(const char *text, const gc_md_line *head);

/* Of those blocks that no line of text continues. */
bool gc_md_starts_block(const char *text, const gc_md_line *line);

/* The line ends the paragraph above. Lists do only if they cannot be a line that starts by
 * chance with a number ("... in\n1984. That"). */
bool gc_md_interrupts(const char *text, const gc_md_line *line);

/* Exactly these three bytes: the marks around front matter. */
bool gc_md_is_mark(const char *text, const gc_md_line *line, const char *mark);

#endif
