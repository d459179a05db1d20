#include "support/capture.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/mem.h"
#include "support/must.h"

void capture_begin(capture *self, FILE *stream)
{
    fflush(stream);
    self->stream = stream;
    self->saved = dup(fileno(stream));
    self->file = memfd_create("capture", MFD_CLOEXEC);
    assert_true(self->saved >= 0 && self->file >= 0);
    assert_true(dup2(self->file, fileno(stream)) >= 0);
}

char *capture_end(capture *self)
{
    fflush(self->stream);
    assert_true(dup2(self->saved, fileno(self->stream)) >= 0);
    close(self->saved);
    off_t size = lseek(self->file, 0, SEEK_END);
    assert_true(size >= 0);
    char *text = gc_xmalloc((size_t)size + 1);
    assert_int_equal(pread(self->file, text, (size_t)size, 0), size);
    text[size] = '\0';
    close(self->file);
    return text;
}
