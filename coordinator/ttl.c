#include "coordinator/ttl.h"

#define SHORT_S 300.0
#define MARGIN 0.8 /* calls take longer than expected, too */

const char *gc_cache_ttl(double longest_call_s, double job_s)
{
    double bearable_s = SHORT_S * MARGIN;
    return longest_call_s > bearable_s && job_s > bearable_s ? "1h" : "5m";
}
