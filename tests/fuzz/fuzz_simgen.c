/* Any prompt: its elements are found or not, and whatever they promise, files are written
 * twice alike. */
#include "fuzz/body.h"

#include <assert.h>
#include <string.h>

#include "tests/llm-sim/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_sim_wanted wanted;
    gc_sim_answer answers[2];
    gc_sim_project project;
    gc_sim_wanted_parse((const char *)data, size, &wanted);
    gc_sim_project_read("Module path: example.com/fuzz", &project);
    for (int i = 0; i < 2; i++)
        gc_sim_answer_make(&wanted, &project, size % 2, NULL, &answers[i]);
    assert(answers[0].len == answers[1].len);
    assert(memcmp(answers[0].text, answers[1].text, answers[0].len) == 0);
    assert(wanted.count == answers[0].file_count);
    for (int i = 0; i < 2; i++)
        gc_sim_answer_release(&answers[i]);
    gc_sim_project_release(&project);
    gc_sim_wanted_release(&wanted);
    return 0;
}
