#include "common/markdown_line.h"

#include <string.h>

#define FENCE_MIN 3
#define HEADING_MAX 6

bool gc_md_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

gc_md_line gc_md_line_at(const char *text, size_t start)
{
    gc_md_line line = { .start = start, .first = start };
    size_t end = start + strcspn(text + start, "\r\n");
    line.next = end;
    if (text[line.next] == '\r')
        line.next++;
    if (text[line.next] == '\n' && (line.next == end || text[end] == '\r'))
        line.next++;
    for (; line.first < end && gc_md_is_blank(text[line.first]); line.first++)
        line.indent += text[line.first] == '\t' ? 4 - line.indent % 4 : 1;
    while (end > line.first && gc_md_is_blank(text[end - 1]))
        end--;
    line.end = end;
    return line;
}

bool gc_md_is_empty(const gc_md_line *line)
{
    return line->first == line->end;
}

size_t gc_md_run(const char *text, size_t pos, const gc_md_line *line)
{
    size_t end = pos;
    while (end < line->end && text[end] == text[pos])
        end++;
    return end - pos;
}

bool gc_md_is_heading(const char *text, const gc_md_line *line)
{
    if (gc_md_is_empty(line) || text[line->first] != '#' ||
        line->indent >= GC_MD_CODE_INDENT)
        return false;
    size_t level = gc_md_run(text, line->first, line), after = line->first + level;
    return level <= HEADING_MAX && (after == line->end || gc_md_is_blank(text[after]));
}

bool gc_md_is_rule(const char *text, const gc_md_line *line)
{
    if (gc_md_is_empty(line) || line->indent >= GC_MD_CODE_INDENT ||
        !strchr("-*_", text[line->first]))
        return false;
    size_t marks = 0;
    for (size_t i = line->first; i < line->end; i++) {
        if (text[i] == text[line->first])
            marks++;
        else if (!gc_md_is_blank(text[i]))
            return false;
    }
    return marks >= 3;
}

size_t gc_md_underline_level(const char *text, const gc_md_line *line)
{
    if (gc_md_is_empty(line) || line->indent >= GC_MD_CODE_INDENT)
        return 0;
    char c = text[line->first];
    if ((c != '=' && c != '-') ||
        gc_md_run(text, line->first, line) != line->end - line->first)
        return 0;
    return c == '=' ? 1 : 2;
}

bool gc_md_is_comment(const char *text, const gc_md_line *line)
{
    return line->indent < GC_MD_CODE_INDENT && line->end - line->first >= 4 &&
           memcmp(text + line->first, "<!--", 4) == 0;
}

size_t gc_md_fence_len(const char *text, const gc_md_line *line)
{
    if (gc_md_is_empty(line))
        return 0;
    char c = text[line->first];
    size_t run = c == '`' || c == '~' ? gc_md_run(text, line->first, line) : 0;
    if (run < FENCE_MIN)
        return 0;
    /* `code` in one line of text is no fence. */
    const char *info = text + line->first + run;
    if (c == '`' && memchr(info, '`', line->end - line->first - run))
        return 0;
    return run;
}

bool gc_md_closes_fence(const char *text, const gc_md_line *line, char c, size_t min)
{
    if (gc_md_is_empty(line) || text[line->first] != c)
        return false;
    size_t run = gc_md_run(text, line->first, line);
    return run >= min && line->first + run == line->end;
}

size_t gc_md_item_text(const char *text, const gc_md_line *line)
{
    size_t pos = line->first;
    if (gc_md_is_empty(line) || gc_md_is_rule(text, line))
        return 0;
    if (strchr("-*+", text[pos])) {
        pos++;
    } else {
        size_t digits = strspn(text + pos, "0123456789");
        pos += digits;
        if (!digits || digits > 9 || (text[pos] != '.' && text[pos] != ')'))
            return 0;
        pos++;
    }
    if (pos < line->end && !gc_md_is_blank(text[pos]))
        return 0;
    while (pos < line->end && gc_md_is_blank(text[pos]))
        pos++;
    return pos;
}

bool gc_md_next_cell(const char *text, const gc_md_line *line, size_t *pos, size_t *from,
                     size_t *to)
{
    if (*pos == line->first && *pos < line->end && text[*pos] == '|')
        ++*pos;
    if (*pos >= line->end)
        return false;
    size_t end = *pos;
    while (end < line->end && text[end] != '|')
        end += text[end] == '\\' && end + 1 < line->end ? 2 : 1;
    for (*from = *pos; *from < end && gc_md_is_blank(text[*from]);)
        ++*from;
    for (*to = end; *to > *from && gc_md_is_blank(text[*to - 1]);)
        --*to;
    *pos = end + 1;
    return true;
}

size_t gc_md_count_cells(const char *text, const gc_md_line *line)
{
    size_t pos = line->first, from, to, count = 0;
    while (gc_md_next_cell(text, line, &pos, &from, &to))
        count++;
    return count;
}

bool gc_md_has_bar(const char *text, const gc_md_line *line)
{
    return memchr(text + line->first, '|', line->end - line->first) != NULL;
}

bool gc_md_is_table(const char *text, const gc_md_line *head)
{
    if (!gc_md_has_bar(text, head) || head->indent >= GC_MD_CODE_INDENT)
        return false;
    gc_md_line rule = gc_md_line_at(text, head->next);
    size_t marks = strspn(text + rule.first, "|-: \t");
    return gc_md_has_bar(text, &rule) && rule.first + marks >= rule.end &&
           memchr(text + rule.first, '-', rule.end - rule.first) &&
           gc_md_count_cells(text, head) == gc_md_count_cells(text, &rule);
}

bool gc_md_starts_block(const char *text, const gc_md_line *line)
{
    return gc_md_is_heading(text, line) || gc_md_is_rule(text, line) ||
           gc_md_is_comment(text, line) || gc_md_fence_len(text, line) > 0;
}

bool gc_md_interrupts(const char *text, const gc_md_line *line)
{
    size_t item = gc_md_item_text(text, line);
    bool first_item = item && item < line->end &&
                      (strchr("-*+", text[line->first]) ||
                       (text[line->first] == '1' && item - line->first <= 3));
    return first_item || gc_md_starts_block(text, line) || gc_md_is_table(text, line);
}

bool gc_md_is_mark(const char *text, const gc_md_line *line, const char *mark)
{
    return line->first == line->start && line->end - line->first == 3 &&
           memcmp(text + line->first, mark, 3) == 0;
}
