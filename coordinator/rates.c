#include "coordinator/rates.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* To the first event of a call, as long as nothing was measured. */
#define WAIT_S 1.0

/* A figure outside is no measurement but a fault of somebody's counting. */
#define MIN_BYTES_PER_TOKEN 0.5
#define MAX_BYTES_PER_TOKEN 20.0
#define MAX_TOKENS_PER_BYTE 20.0

/* The line through a kind's files is believed half where the squares of how far the promised
 * bytes lie from their mean add up to this: four files that are 128 off. */
#define DOUBT (4.0 * 128 * 128)

/* The promise of a file changes what its kind usually takes by no larger factor. */
#define MOST_CORRECTION 2

/* ---- rates ---- */

void gc_rates_init(gc_rates *self, const gc_model *model)
{
    *self = (gc_rates){ .bytes_per_token = model->bytes_per_token,
                        .marked_bytes_per_token = model->bytes_per_token,
                        .plain_bytes_per_token = model->bytes_per_token,
                        .wait_s = WAIT_S,
                        .seconds_per_token = model->seconds_per_1k_output / 1000,
                        .tokens_per_byte = 1 / model->bytes_per_token,
                        .table_tokens_per_byte = 1 / model->bytes_per_token,
                        .thinking_tokens = (double)model->thinking_tokens };
}

static bool sane_bytes(const gc_ratio *r)
{
    double value = r->per > 0 ? (double)r->sum / (double)r->per : 0;
    return value >= MIN_BYTES_PER_TOKEN && value <= MAX_BYTES_PER_TOKEN;
}

static bool sane_output(const gc_ratio *r)
{
    return r->per > 0 && r->sum > 0 &&
           (double)r->sum <= MAX_TOKENS_PER_BYTE * (double)r->per;
}

static double quotient(const gc_ratio *r)
{
    return (double)r->sum / (double)r->per;
}

void gc_rates_learn(gc_rates *self, const gc_measured *measured)
{
    const gc_measured *m = &self->measured;
    double logs = 0, known = 0;
    self->measured = *measured;
    if (m->bytes_per_token >= MIN_BYTES_PER_TOKEN &&
        m->bytes_per_token <= MAX_BYTES_PER_TOKEN)
        self->bytes_per_token = m->bytes_per_token;
    if (sane_bytes(&m->marked))
        self->marked_bytes_per_token = quotient(&m->marked);
    if (sane_bytes(&m->plain))
        self->plain_bytes_per_token = quotient(&m->plain);
    if (m->wait.per > 0)
        self->wait_s = quotient(&m->wait) / 1000;
    if (m->stream.per > 0)
        self->seconds_per_token = quotient(&m->stream) / 1000;
    for (size_t i = 0; i < m->kind_count; i++) {
        if (!sane_output(&m->kinds[i].output))
            continue;
        logs += log(quotient(&m->kinds[i].output));
        known++;
    }
    if (known > 0) {
        self->tokens_per_byte = exp(logs / known); /* each kind has one vote */
        self->thinking_tokens = 0;                 /* the measured output has it in it */
    }
}

const char *gc_rates_kind(const gc_plan_file *file)
{
    static const char *const tested[][2] = { { "_service_test.go", "test:service" },
                                             { "_handler_test.go", "test:handler" },
                                             { "_store_test.go", "test:store" } };
    if (strcmp(file->kind, "source") == 0 && file->promise && *file->promise)
        return "source:types";
    if (strcmp(file->kind, "test") == 0 && file->path)
        for (size_t i = 0; i < sizeof tested / sizeof *tested; i++)
            if (gc_ends_with(file->path, tested[i][0]))
                return tested[i][1];
    return file->kind;
}

/* ---- output of one file ---- */

static void add_to_line(gc_line *self, const gc_line *more)
{
    self->files += more->files;
    self->bytes += more->bytes;
    self->tokens += more->tokens;
    self->squares += more->squares;
    self->products += more->products;
}

static bool sane_line(const gc_line *l)
{
    const int64_t most = INT64_C(1) << 50; /* sums of a few stay sums */
    return l->files > 0 && l->bytes >= 0 && l->tokens > 0 && l->squares >= 0 &&
           l->products >= 0 && l->files < most && l->bytes < most && l->tokens < most &&
           l->squares < most && l->products < most;
}

/* What was measured of all kinds that `like` begins: "test" has those of all tests. */
static gc_measured_kind measured_of(const gc_measured *m, const char *like, bool exact)
{
    gc_measured_kind sum = { .output = { 0, 0 } };
    size_t len = strlen(like);
    for (size_t i = 0; i < m->kind_count; i++) {
        const gc_measured_kind *kind = &m->kinds[i];
        bool same = strcmp(kind->name, like) == 0;
        bool part =
            !exact && strncmp(kind->name, like, len) == 0 && kind->name[len] == ':';
        if ((!same && !part) || !sane_output(&kind->output))
            continue;
        sum.output.sum += kind->output.sum;
        sum.output.per += kind->output.per;
        if (sane_line(&kind->line))
            add_to_line(&sum.line, &kind->line);
    }
    return sum;
}

static double promised_bytes(const gc_plan_file *file)
{
    return file->promise ? (double)strlen(file->promise) : 0;
}

/* Of known files: as many tokens per expected byte as they took. If the line through them is
 * steeper or flatter than that, what is promised beyond their mean counts by the line, the
 * more the further they lay apart. */
static double output_by_kind(const gc_measured_kind *kind, const gc_plan_file *file)
{
    const gc_line *l = &kind->line;
    double rate = quotient(&kind->output);
    double usual = (double)file->expected_bytes * rate;
    if (l->files < 2)
        return usual;
    double files = (double)l->files;
    double bytes = (double)l->bytes / files, tokens = (double)l->tokens / files;
    double apart = fmax((double)l->squares - files * bytes * bytes, 0);
    double together = (double)l->products - files * bytes * tokens;
    double steeper = (together - rate * apart) / (apart + DOUBT);
    double output = usual + steeper * (promised_bytes(file) - bytes);
    return fmin(fmax(output, usual / MOST_CORRECTION), usual * MOST_CORRECTION);
}

/* The means of a kind's files. */
typedef struct point {
    double expected, promised, tokens;
} point;

/* Tokens of a file and of each promised byte, through the points except one. */
static bool line_through(const point *points, size_t count, size_t except, double line[2])
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == except)
            continue;
        n++;
        x += points[i].promised;
        y += points[i].tokens;
        xx += points[i].promised * points[i].promised;
        xy += points[i].promised * points[i].tokens;
    }
    double apart = n * xx - x * x;
    if (n < 2 || apart < 1)
        return false;
    line[1] = fmax((n * xy - x * y) / apart, 0);
    line[0] = (y - line[1] * x) / n;
    return true;
}

/* Tokens per expected byte, as the mean of the factors of all points except one. */
static double rate_of(const point *points, size_t count, size_t except)
{
    double logs = 0;
    for (size_t i = 0; i < count; i++)
        logs += i == except ? 0 : log(points[i].tokens / points[i].expected);
    return count > 1 ? exp(logs / (double)(count - 1)) : 0;
}

/* How far off a guess is, as a factor; a guess of nothing is as bad as any. */
static double off(double guess, double tokens)
{
    return guess >= 1 ? fabs(log(guess / tokens)) : fabs(log(1 / tokens)) + 1;
}

/* How far the other kinds' line and rate are off for each kind, added up; false: too few. */
static bool errors_of(const point *points, size_t count, double *by_line, double *by_rate)
{
    double line[2];
    *by_line = *by_rate = 0;
    for (size_t i = 0; i < count; i++) {
        if (!line_through(points, count, i, line))
            return false;
        *by_line += off(line[0] + line[1] * points[i].promised, points[i].tokens);
        *by_rate += off(rate_of(points, count, i) * points[i].expected, points[i].tokens);
    }
    return count >= 3;
}

static size_t points_of(const gc_measured *m, point points[GC_MEASURED_KINDS])
{
    size_t count = 0;
    for (size_t i = 0; i < m->kind_count; i++) {
        const gc_line *l = &m->kinds[i].line;
        if (!sane_output(&m->kinds[i].output) || !sane_line(l))
            continue;
        double files = (double)l->files, tokens = (double)l->tokens / files;
        points[count++] = (point){ tokens / quotient(&m->kinds[i].output),
                                   (double)l->bytes / files, tokens };
    }
    return count;
}

/* Each guess weighs by the inverse square of how far it is off for the kinds that are known;
 * between them is the mean of their factors. */
static double output_by_others(const gc_rates *self, const gc_plan_file *file)
{
    point points[GC_MEASURED_KINDS];
    double line[2], by_line, by_rate;
    double usual = (double)file->expected_bytes * self->tokens_per_byte;
    size_t count = points_of(&self->measured, points);
    if (usual <= 0 || !errors_of(points, count, &by_line, &by_rate) ||
        !line_through(points, count, count, line) || by_line + by_rate <= 0)
        return usual;
    double least = points[0].tokens;
    for (size_t i = 1; i < count; i++)
        least = fmin(least, points[i].tokens);
    double guess = fmax(line[0] + line[1] * promised_bytes(file), least / 2);
    double trust = by_rate * by_rate / (by_rate * by_rate + by_line * by_line);
    return usual * pow(guess / usual, trust);
}

double gc_rates_output(const gc_rates *self, const gc_plan_file *file)
{
    gc_measured_kind kind = measured_of(&self->measured, gc_rates_kind(file), true);
    if (kind.output.per <= 0)
        kind = measured_of(&self->measured, file->kind, false);
    return kind.output.per > 0 ? output_by_kind(&kind, file)
                               : output_by_others(self, file);
}

bool gc_rates_know(const gc_rates *self, const gc_plan_file *file)
{
    return measured_of(&self->measured, gc_rates_kind(file), true).output.per > 0 ||
           measured_of(&self->measured, file->kind, false).output.per > 0;
}

gc_ratio gc_measured_output(const gc_measured *self, const gc_plan_file *file)
{
    return measured_of(self, gc_rates_kind(file), true).output;
}

double gc_rates_output_most(const gc_rates *self, const gc_plan_file *file)
{
    double usual = gc_rates_output(self, file);
    double table = (double)file->expected_bytes * self->table_tokens_per_byte;
    bool known = gc_measured_output(&self->measured, file).per > 0;
    return known || usual > table ? usual : table;
}

double gc_rates_seconds(const gc_rates *self, double output_tokens)
{
    return self->wait_s + output_tokens * self->seconds_per_token;
}

void gc_rates_count(gc_rates *self, const gc_counted *counted)
{
    if (!counted->prompts || !sane_bytes(&counted->plain))
        return;
    self->plain_bytes_per_token = quotient(&counted->plain);
    if (sane_bytes(&counted->marked))
        self->marked_bytes_per_token = quotient(&counted->marked);
    self->counted = counted->prompts;
}

void gc_rates_source(const gc_rates *self, size_t guessed_files, char *out, size_t size)
{
    const char *counted =
        self->counted ? "prompts counted by the provider, the rest " : "";
    char guessed[96] = "";
    if (guessed_files)
        snprintf(guessed, sizeof guessed,
                 ", answers of %zu file%s guessed from other kinds", guessed_files,
                 guessed_files == 1 ? "" : "s");
    if (self->measured.calls)
        snprintf(out, size, "%smeasured over %" PRId64 " calls%s", counted,
                 self->measured.calls, guessed);
    else
        snprintf(out, size, "%sfrom the models table", counted);
}

/* ---- what a call teaches ---- */

static void add_ratio(gc_ratio *self, int64_t sum, int64_t per)
{
    if (sum < 0 || per <= 0)
        return;
    self->sum += sum;
    self->per += per;
}

static void add_bytes(gc_ratio *self, int64_t bytes, int64_t tokens)
{
    gc_ratio one = { bytes, tokens };
    if (sane_bytes(&one))
        add_ratio(self, bytes, tokens);
}

static void add_file(gc_measured *self, const gc_lesson_file *file)
{
    gc_ratio one = { file->output_tokens, (int64_t)file->expected_bytes };
    size_t i = 0;
    while (i < self->kind_count && strcmp(self->kinds[i].name, file->kind) != 0)
        i++;
    if (i == GC_MEASURED_KINDS || strlen(file->kind) >= sizeof self->kinds[i].name ||
        !sane_output(&one))
        return;
    if (i == self->kind_count) {
        self->kinds[i] = (gc_measured_kind){ .output = { 0, 0 } };
        snprintf(self->kinds[i].name, sizeof self->kinds[i].name, "%s", file->kind);
        self->kind_count++;
    }
    add_ratio(&self->kinds[i].output, one.sum, one.per);
    int64_t bytes = (int64_t)file->promised_bytes;
    gc_line line = { 1, bytes, one.sum, bytes * bytes, bytes * one.sum };
    add_to_line(&self->kinds[i].line, &line);
}

void gc_measured_add(gc_measured *self, const gc_lesson *lesson)
{
    const gc_usage *u = &lesson->usage;
    int64_t cached = u->cache_read + u->cache_write_5m + u->cache_write_1h;
    int64_t marked_bytes = cached > 0 ? lesson->marked_bytes : 0;
    if (u->output <= 0)
        return;
    add_bytes(&self->marked, marked_bytes, cached);
    add_bytes(&self->plain, lesson->prompt_bytes - marked_bytes, u->input);
    double stream_s = lesson->seconds - lesson->wait_s;
    if (lesson->wait_s >= 0 && stream_s >= 0) {
        add_ratio(&self->wait, (int64_t)(lesson->wait_s * 1000), 1);
        add_ratio(&self->stream, (int64_t)(stream_s * 1000), u->output);
    }
    for (size_t i = 0; i < lesson->file_count; i++)
        add_file(self, &lesson->files[i]);
}
